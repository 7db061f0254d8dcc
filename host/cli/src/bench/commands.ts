import { Agent, request } from "node:http";
import { labgridCommands, type Peer, pdudaemonCommands, withMosquitto } from "./board-farm-peers.ts";
import type { Benchmark, Figure } from "./figure.ts";
import { type Fleet, startFleet } from "./fleet.ts";
import { settledDone } from "./settled.ts";

const BOARDS = 64;
const COUNT = 1000;
/** Commands before those, through the same face: the first ones of a process meet code that is not compiled yet. */
const WARM_UP = 100;
/** Peers open a connection for each command. */
const PEER_COUNT = 300;
const NAME = "commands";

/** Median, 99th percentile and largest of a series. */
function figure(quantity: string, values: number[], unit = "ms", count?: string): Figure {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
  const p99 = `p99 ${at(0.99).toPrecision(3)} ${unit}${count === undefined ? "" : `; ${count}`}`;
  return { benchmark: NAME, quantity, median: at(0.5), low: at(0), high: at(1), unit, runs: values.length, count: p99 };
}

/** Time of the next pin change of a board. */
function nextPin(fleet: Fleet, n: number): Promise<number> {
  const board = fleet.boards[n] as Fleet["boards"][0];
  return new Promise((resolve) => {
    board.onPin = (_channel, _on, at_ms) => resolve(at_ms);
  });
}

async function overApi(fleet: Fleet, first: number): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const url = new URL(fleet.supervisor.http);
  const times: number[] = [];
  for (let i = 0; i < WARM_UP + COUNT; i += 1) {
    const n = first + (i % (BOARDS - first));
    const pin = nextPin(fleet, n);
    const body = JSON.stringify({ state: Math.floor(i / (BOARDS - first)) % 2 === 0 ? "on" : "off" });
    const started = performance.now();
    const answered = new Promise<void>((resolve, reject) => {
      const sent = request(
        {
          ...{ agent, host: url.hostname, port: url.port, method: "PUT", path: `/api/v1/targets/t-${n}/power` },
          headers: {
            authorization: `Bearer ${fleet.token}`,
            "content-type": "application/json",
            "content-length": Buffer.byteLength(body),
          },
        },
        (answer) => {
          answer.resume();
          answer.on("end", () =>
            answer.statusCode === 200 ? resolve() : reject(new Error(`status ${answer.statusCode}`)),
          );
        },
      );
      sent.on("error", reject);
      sent.end(body);
    });
    times.push((await pin) - started);
    await answered;
  }
  agent.destroy();
  return times.slice(WARM_UP);
}

async function overMqtt(fleet: Fleet, first: number): Promise<{ accepted: number[]; pin: number[]; done: number[] }> {
  const client = await fleet.connect();
  await client.subscribeAsync("mltb/v1/fleet/ans/operator/#", { qos: 1 });
  const told = new Map<string, (at_ms: number) => void>();
  client.on("message", (_topic, payload) => {
    const { id, status } = JSON.parse(payload.toString()) as { id: string; status: string };
    told.get(`${id} ${status}`)?.(performance.now());
  });
  const result = { accepted: [] as number[], pin: [] as number[], done: [] as number[] };
  for (let i = 0; i < WARM_UP + COUNT; i += 1) {
    const n = first + (i % (BOARDS - first));
    const id = `bench-${process.pid}-${first}-${i}`;
    const until = (status: string): Promise<number> => new Promise((resolve) => told.set(`${id} ${status}`, resolve));
    const [pin, accepted, done] = [nextPin(fleet, n), until("accepted"), until("done")];
    const state = Math.floor(i / (BOARDS - first)) % 2 === 0 ? "on" : "off";
    const started = performance.now();
    client.publish(`mltb/v1/fleet/cmd/operator/target/t-${n}/power`, JSON.stringify({ id, args: { state } }), {
      qos: 1,
    });
    result.pin.push((await pin) - started);
    result.accepted.push((await accepted) - started);
    result.done.push((await done) - started);
    told.clear();
  }
  await client.endAsync();
  const { accepted, pin, done } = result;
  return { accepted: accepted.slice(WARM_UP), pin: pin.slice(WARM_UP), done: done.slice(WARM_UP) };
}

async function series(fleet: Fleet, first: number, what: string): Promise<Figure[]> {
  const api = await overApi(fleet, first);
  const over = await overMqtt(fleet, first);
  return [
    figure(`API to the pin, ${what}`, api, "ms", "goal p99 2 ms"),
    figure(`MQTT QoS 1 publish to the pin, ${what}`, over.pin, "ms", "goal p99 5 ms"),
    figure(`MQTT QoS 1 publish to accepted, ${what}`, over.accepted, "ms", "goal p99 5 ms"),
    figure(`MQTT QoS 1 publish to done, ${what}`, over.done, "ms", "without a rail's settling"),
  ];
}

/** The same through Mosquitto in place of the embedded broker. */
async function overMosquitto(): Promise<Figure[]> {
  const what = "64 boards, Mosquitto";
  const rows = await withMosquitto(async (broker) => {
    const fleet = await startFleet(BOARDS, { broker });
    try {
      const over = await overMqtt(fleet, 0);
      return [
        figure(`MQTT QoS 1 publish to the pin, ${what}`, over.pin, "ms", "goal p99 5 ms"),
        figure(`MQTT QoS 1 publish to accepted, ${what}`, over.accepted, "ms", "goal p99 5 ms"),
      ];
    } finally {
      await fleet.stop();
    }
  });
  return "reason" in rows ? [peerRow(`MQTT QoS 1 publish to the pin, ${what}`, rows)] : rows;
}

/** What a peer's driver takes to its power switch: no board, no read-back. */
function peerRow(quantity: string, peer: Peer<number[]>): Figure {
  if (!("reason" in peer)) return figure(quantity, peer, "ms", "says yes without reading back");
  const none = { median: null, low: null, high: null, unit: "ms", runs: 0 };
  return { benchmark: NAME, quantity, ...none, reason: peer.reason };
}

/** Commands from the client's call to the board's pin; client, supervisor and boards share this process. */
export const commands: Benchmark = {
  name: NAME,
  about:
    "command to the board's pin through API and MQTT, 64 boards (session and pins, no firmware), after 100 each that warm up; to done with a rail that settles",
  async run() {
    const figures: Figure[] = [];
    const fleet = await startFleet(BOARDS);
    try {
      figures.push(...(await series(fleet, 0, "64 boards")));
      (fleet.boards[0] as Fleet["boards"][0]).hung = true;
      figures.push(...(await series(fleet, 1, "63 boards beside a hung one")));
    } finally {
      await fleet.stop();
    }
    for (const { quantity, times } of await settledDone()) {
      const what = `MQTT QoS 1 publish to done with the rail's settling, ${quantity}`;
      figures.push(figure(what, times, "ms", "firmware and simulated rail in real time"));
    }
    figures.push(...(await overMosquitto()));
    figures.push(peerRow("labgrid 26: NetworkPowerDriver.on() to the power switch", await labgridCommands(PEER_COUNT)));
    figures.push(peerRow("pdudaemon: HTTP request to the power switch", await pdudaemonCommands(PEER_COUNT)));
    return figures;
  },
};
