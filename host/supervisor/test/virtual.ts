import type { BayRack } from "@mltb/contract";
import { buildBundle } from "@mltb/firmware";
import { type BoardEnd, createSimulatedRack, type SimulatedRack } from "@mltb/simulators";
import { vi } from "vitest";
import { Board } from "../src/device/board.ts";
import { type BayHub, createHub } from "../src/events.ts";
import type { ByteTransport } from "../src/link/transport.ts";

/** A rack's file entry with targets on the first channels. */
export function rackOf(name: string, targets: number, on_lease_end = "keep"): BayRack {
  return {
    rack: name,
    board: { name: `${name}-board`, kind: "monitoring", link: "simulated", seed: 1 },
    stagger_ms: 0,
    targets: Array.from({ length: targets }, (_, n) => ({
      on_lease_end,
      restore: "off",
      host_loss: "keep",
      target: `${name}-t${n + 1}`,
      channel: n + 1,
      nominal_v: 5,
      load: { idle_w: 1, cpu_w: 0 },
    })),
  } as BayRack;
}

/** A board of the supervisor with the real bundle behind its link, both in the same virtual time. */
export interface VirtualBoard {
  board: Board;
  rack: SimulatedRack;
}

/** Boards in virtual time: timers and clocks of the host's side are vitest's, those of the boards their own. */
export interface VirtualBay {
  hub: BayHub;
  boards: VirtualBoard[];
  /** Boards that hang: their time stands still. */
  standing: Set<VirtualBoard>;
  /** Lets both sides live for a while. */
  run(ms: number, standing?: Set<VirtualBoard>): Promise<void>;
  /** Until something holds; throws after a time. */
  until(holds: () => boolean, ms: number): Promise<number>;
  /** The time of both sides. */
  now(): number;
  stop(): Promise<void>;
}

export async function virtualBay(
  count: number,
  transportOf: (rack: SimulatedRack, n: number) => ByteTransport = (rack) => rack.transport,
  targets = 2,
  on_lease_end = "keep",
  carrierOf: (n: number) => BoardEnd | undefined = () => undefined,
): Promise<VirtualBay> {
  const { source } = await buildBundle("monitoring");
  const racks: SimulatedRack[] = [];
  for (let n = 0; n < count; n += 1) {
    const carrier = carrierOf(n);
    racks.push(
      await createSimulatedRack({
        rack: `r${n + 1}`,
        serial: `SIM-${n + 1}`,
        bundle: source,
        seed: n + 1,
        clock: "virtual",
        ...(carrier === undefined ? {} : { carrier }),
        targets: Array.from({ length: targets }, (_, t) => ({
          name: `r${n + 1}-t${t + 1}`,
          channel: t + 1,
          load: { idle_w: 1, cpu_w: 0 },
        })),
      }),
    );
  }
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance"] });
  const hub = createHub();
  const boards = racks.map((rack, n) => ({
    rack,
    board: new Board(rackOf(`r${n + 1}`, targets, on_lease_end), transportOf(rack, n), hub, 7),
  }));
  for (const { board } of boards) board.start();
  let at = 0;
  const bay: VirtualBay = {
    hub,
    boards,
    standing: new Set(),
    now: () => at,
    async run(ms, standing = bay.standing) {
      for (let i = 0; i < ms; i += 1) {
        at += 1;
        for (const one of boards) if (!standing.has(one)) one.rack.advance(1);
        // What boards have sent arrives by the event loop, as with every real transport.
        await new Promise((resolve) => setImmediate(resolve));
        await vi.advanceTimersByTimeAsync(1);
      }
    },
    async until(holds, ms) {
      const from = at;
      while (!holds()) {
        if (at - from >= ms) throw new Error(`it did not happen within ${ms} ms`);
        await bay.run(1);
      }
      return at - from;
    },
    async stop() {
      for (const { board } of boards) await board.stop();
      vi.useRealTimers();
      for (const { rack } of boards) await rack.stop();
    },
  };
  return bay;
}
