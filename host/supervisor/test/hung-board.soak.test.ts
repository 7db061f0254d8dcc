import { Stream } from "@mltb/protocol";
import { random } from "@mltb/simulators";
import { afterEach, expect, test } from "vitest";
import { type VirtualBay, type VirtualBoard, virtualBay } from "./virtual.ts";
import { scale } from "./virtual-commands.ts";

const HANGS = scale(1, 10, 100);
const SEED = 4;
const ASKED = scale(240, 240, 400);

let bay: VirtualBay;
afterEach(() => bay.stop());

test(`labgrid: a hung exporter is noticed after 25 s, jumpstarter: after 60 s: board-hangs: ${HANGS} times, lost within a second while another streams at its full rate, whose answers take no longer`, {
  timeout: 0,
}, async () => {
  bay = await virtualBay(3);
  const source = random(SEED);
  const [hung, streaming, other] = bay.boards as [VirtualBoard, VirtualBoard, VirtualBoard];
  const { hub, run } = bay;
  const states: string[] = [];
  let lost_ms = 0;
  hub.on("lifecycle", (name, state) => {
    states.push(`${name} ${state}`);
    if (state === "lost") lost_ms = bay.now();
  });
  await bay.until(() => bay.boards.every(({ board }) => board.link.lifecycle === "ready"), 1000);
  let rows = 0;
  hub.on("samples", (block) => {
    if (block.target === "r2-t1") rows += block.current_a.length;
  });
  const standing = new Set<VirtualBoard>();
  /** Answer times of the third board in virtual milliseconds, while the second one streams 20 kHz x 8 channels. */
  const measure = async (count: number): Promise<number[]> => {
    const times: number[] = [];
    for (let n = 0; n < count; n += 1) {
      const body = { stream: Stream.samples, ttl_ms: 2000, period_us: 50 };
      if (n % 10 === 0) void streaming.board.link.request("stream_open", body, 1000);
      let done = false;
      const asked = bay.now();
      void other.board.link.request("channel_get", { channel: 1 }, 1000).then(({ kind }) => {
        done = kind === "answer";
      });
      while (!done) await run(1, standing);
      times.push(bay.now() - asked);
      await run(n % 7, standing);
    }
    return times.sort((a, b) => a - b);
  };
  const p99 = (sorted: number[]): number => sorted[Math.floor(sorted.length * 0.99)] as number;
  const before = await measure(ASKED / 2);
  for (let hang = 0; hang < HANGS; hang += 1) {
    await run(Math.floor(source.uniform() * 500));
    states.length = 0;
    rows = 0;
    const hung_ms = bay.now();
    standing.add(hung);
    const with_hung = await measure(ASKED);
    // A link that has been silent often is said to be degraded before it is lost; nobody else's is.
    expect(states.filter((state) => state !== "r1-board degraded")).toEqual(["r1-board lost"]);
    expect(lost_ms - hung_ms).toBeLessThanOrEqual(1000);
    expect(p99(with_hung) - p99(before)).toBeLessThanOrEqual(1);
    // 20 samples a millisecond, less what the supervisor's own renewal at the default rate costs.
    expect(rows / (bay.now() - hung_ms)).toBeGreaterThan(16);
    // Commands to it are refused at once and wait for nobody.
    const refused = await hung.board.link.request("channel_get", { channel: 1 }, 1000);
    expect(refused.kind).toBe("unknown");
    standing.clear();
    await bay.until(() => hung.board.link.lifecycle === "ready", 2000);
  }
});
