import { Agent, get } from "node:http";
import type { Benchmark, Figure } from "./figure.ts";
import { type Fleet, startFleet } from "./fleet.ts";

const NAME = "scale";
const SIZES = [16, 64, 256, 512, 1024];
/** A size holds while this share of the telemetry that was asked for arrives, and an API read takes no longer than this. */
const ARRIVES = 0.95;
const READ_MS = 20;
const SPAN_MS = 4000;
const READS = 300;
/** Each target's measurement on MQTT as often as its board tells it. */
const MEASURE_MS = 100;
/** Boards that stream samples as well. */
const STREAMING = 16;
const CHANNELS = 8;

async function reads(fleet: Fleet): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const headers = { authorization: `Bearer ${fleet.token}` };
  const times: number[] = [];
  for (let i = 0; i < READS; i += 1) {
    const started = performance.now();
    await new Promise<void>((resolve, reject) => {
      get(`${fleet.supervisor.http}/api/v1/targets/t-${i % fleet.boards.length}`, { agent, headers }, (answer) => {
        answer.resume();
        answer.on("end", resolve);
      }).on("error", reject);
    });
    times.push(performance.now() - started);
  }
  agent.destroy();
  return times.sort((a, b) => a - b);
}

/** What the broker hands to somebody who subscribes to everything, each second. */
async function brokerLoad(fleet: Fleet): Promise<{ messages: number; bytes: number }> {
  const client = await fleet.connect();
  const load = { messages: 0, bytes: 0 };
  client.on("message", (_topic, payload, { retain }) => {
    if (retain) return;
    load.messages += 1;
    load.bytes += payload.length;
  });
  await client.subscribeAsync("#", { qos: 0 });
  const started = performance.now();
  await new Promise((resolve) => setTimeout(resolve, SPAN_MS));
  const span_s = (performance.now() - started) / 1000;
  await client.endAsync();
  return { messages: load.messages / span_s, bytes: load.bytes / span_s };
}

/** Share of a core that this process takes (0 to 100), over a span. */
async function processor(): Promise<{ share: number; span_ms: number }> {
  const from = process.cpuUsage();
  const started = performance.now();
  await new Promise((resolve) => setTimeout(resolve, SPAN_MS));
  const { user, system } = process.cpuUsage(from);
  const span_ms = performance.now() - started;
  return { share: ((user + system) / 1000 / span_ms) * 100, span_ms };
}

/** What boards cost that stream the samples of eight channels, as boards do whose converter is there. */
async function streaming(): Promise<Figure> {
  const fleet = await startFleet(STREAMING, { measure_ms: MEASURE_MS, samples: true });
  try {
    const rows = (): number => fleet.boards.reduce((sum, board) => sum + board.rows, 0);
    const before = rows();
    const { share, span_ms } = await processor();
    const rate = ((rows() - before) * CHANNELS * 1000) / span_ms;
    const each = `${(share / STREAMING).toPrecision(2)} % a board; ${Math.round(rate / 1000)}k samples/s of ${STREAMING * CHANNELS}k asked for`;
    const value = { median: share, low: share, high: share, unit: "% of a core", runs: 1 };
    const quantity = `processor, ${STREAMING} boards of 8 targets that stream at 1 kHz, and their links' ends`;
    return { benchmark: NAME, quantity, ...value, count: each };
  } finally {
    await fleet.stop();
  }
}

/** What a bay costs by its number of boards, each with 10 Hz telemetry, at rest otherwise. Boards run in this process. */
export const scale: Benchmark = {
  name: NAME,
  about:
    "16 to 1,024 boards at 10 Hz telemetry: processor, memory, API, what breaks first (session and pins, no firmware)",
  async run() {
    const figures: Figure[] = [];
    let broken: { size: number; why: string } | undefined;
    const one = (quantity: string, value: number, unit: string, count?: string): void => {
      const row = { benchmark: NAME, quantity, median: value, low: value, high: value, unit, runs: 1 };
      figures.push({ ...row, ...(count === undefined ? {} : { count }) });
    };
    for (const size of SIZES) {
      const fleet = await startFleet(size, { measure_ms: MEASURE_MS });
      try {
        const blocks = (): number => fleet.boards.reduce((sum, board) => sum + board.telemetry, 0);
        const before = blocks();
        const { share, span_ms } = await processor();
        const rate = ((blocks() - before) * 1000) / span_ms;
        const each = `${(share / size).toPrecision(2)} % a board; ${Math.round(rate)} sweeps/s of ${size * 10} asked for`;
        one(`processor, ${size} boards and their links' ends`, share, "% of a core", each);
        one(`memory of the process with ${size} boards`, process.memoryUsage().rss / 1e6, "MB", "all of it");
        const load = await brokerLoad(fleet);
        const seen = `${Math.round(load.bytes / 1000)} kB/s of payload to each subscriber, 10 Hz a target`;
        one(`broker, ${size} boards, to one subscriber of everything`, load.messages, "messages/s", seen);
        const times = await reads(fleet);
        const p99 = times[Math.floor(times.length * 0.99)] ?? Number.NaN;
        one(`API read p99, ${size} boards`, p99, "ms", `p50 ${(times[times.length >> 1] ?? 0).toPrecision(2)} ms`);
        const faults = [
          ...(rate < ARRIVES * size * 10
            ? [`telemetry: ${Math.round((10 * rate) / size) / 100} of what was asked for`]
            : []),
          ...(p99 > READ_MS ? [`API: p99 ${p99.toPrecision(2)} ms`] : []),
        ];
        if (faults.length > 0) broken = { size, why: faults.join(", ") };
      } finally {
        await fleet.stop();
      }
      if (broken !== undefined) break;
    }
    const most = SIZES.at(-1) as number;
    if (broken === undefined)
      one("nothing breaks up to", most, "boards", `${ARRIVES * 100} % of telemetry, reads within ${READ_MS} ms`);
    else one("breaks first at", broken.size, "boards", broken.why);
    figures.push(await streaming());
    return figures;
  },
};
