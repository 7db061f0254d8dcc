import { Worker } from "node:worker_threads";
import { labgridLeases } from "./board-farm-peers.ts";
import type { Benchmark, Figure } from "./figure.ts";
import { type Fleet, startFleet } from "./fleet.ts";
import type { LeaseClients, LeasePairs } from "./lease-clients.ts";

const BOARDS = 256;
const PAIRS = 4000;
const CLIENTS = [1, 8];
const PEER_PAIRS = 600;
const NAME = "leases";

/** The clients run in a thread of their own, as other programs do. */
function pairs(fleet: Fleet, clients: number): Promise<LeasePairs> {
  const asked: LeaseClients = {
    ...{ http: fleet.supervisor.http, token: fleet.token },
    ...{ boards: BOARDS, pairs: PAIRS, clients },
  };
  const worker = new Worker(new URL("./lease-clients.ts", import.meta.url), { workerData: asked });
  return new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

function rows(what: string, count: number, { span_s, acquire_ms }: LeasePairs): Figure[] {
  const sorted = [...acquire_ms].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  const rate = count / span_s;
  const p99 = `p99 ${at(0.99).toPrecision(3)} ms`;
  return [
    { ...one(`${what}: taken and given back`, rate, "pairs/s", 1), count: "goal 2,000" },
    { ...one(`${what}: until it is granted`, at(0.5), "ms", count), low: at(0), high: at(1), count: p99 },
  ];
}

const one = (quantity: string, value: number, unit: string, runs: number): Figure => ({
  ...{ benchmark: NAME, quantity, median: value, low: value, high: value, unit, runs },
});

/** Leases over HTTP, every one journalled on the disk, beside labgrid's coordinator with as many places. */
export const leases: Benchmark = {
  name: NAME,
  about: "leases taken and given back at 256 boards, beside labgrid's coordinator",
  async run() {
    const figures: Figure[] = [];
    const fleet = await startFleet(BOARDS);
    try {
      for (const clients of CLIENTS) {
        const what = `${BOARDS} boards, ${clients === 1 ? "one client" : `${clients} clients`}`;
        figures.push(...rows(what, PAIRS, await pairs(fleet, clients)));
      }
    } finally {
      await fleet.stop();
    }
    const peer = await labgridLeases(BOARDS, PEER_PAIRS);
    const what = `labgrid, ${BOARDS} places, one client`;
    if ("reason" in peer) {
      const row = { benchmark: NAME, quantity: `${what}: taken and given back`, unit: "pairs/s", runs: 0 };
      figures.push({ ...row, median: null, low: null, high: null, reason: peer.reason });
    } else figures.push(...rows(what, PEER_PAIRS, peer).map(({ count, ...row }) => noGoal(row, count)));
    return figures;
  },
};

/** The goal is this bay's. */
function noGoal(row: Figure, count: string | undefined): Figure {
  return count === undefined || count.startsWith("goal") ? row : { ...row, count };
}
