import { missingImagePackages } from "@mltb/firmware/images";
import { monitoringConverter } from "@mltb/hardware";
import { bodyCheck, Fault, type Message, PowerAction, Stream, TripSource } from "@mltb/protocol";
import { describe, expect, test } from "vitest";
import { random } from "../src/world/random.ts";
import { type Bench, openBench } from "./bench.ts";
import { rp2040Image } from "./rungs.ts";

const CROSSINGS = process.env["MLTB_LONG"] === "1" ? 1000 : 20;
const LONGEST_MS = 3_600_000;
const CHANNELS = 8;
/** DESIGN section 4: from crossing the hard limit to the open switch. */
const HARD_US = 2000;
const OVER_A = 3.3;

/** All channels on, full-rate stream, and a host that keeps the collector busy with echoes. */
async function busyBoard(): Promise<{
  bench: Bench;
  allOn(): Promise<void>;
  run(ms: number): Promise<void>;
  echoes(): number;
}> {
  const bench = await openBench(await rp2040Image("cdc"));
  let pending = 0;
  let echoes = 0;
  const run = async (ms: number): Promise<void> => {
    for (let i = 0; i < ms; i += 1) {
      if (pending < 2) {
        pending += 1;
        void bench.send("echo", { data: "x".repeat(64) }).then(() => {
          pending -= 1;
          echoes += 1;
        });
      }
      await bench.run(1);
    }
  };
  const allOn = async (): Promise<void> => {
    const answers: Promise<{ kind: string }>[] = [];
    for (let channel = 1; channel <= CHANNELS; channel += 1) {
      const check = bodyCheck(channel, PowerAction.on, 0);
      answers.push(bench.send("power_set", { channel, action: PowerAction.on, off_ms: 0, check }));
    }
    let done = false;
    void Promise.all(answers).then(() => {
      done = true;
    });
    while (!done) await run(1);
    // The inrush profile of the last channel must have ended.
    await run(60);
  };
  await bench.request("stream_open", {
    stream: Stream.samples,
    ttl_ms: 60_000,
    period_us: 1e6 / monitoringConverter.rate_hz,
  });
  await allOn();
  return { bench, allOn, run, echoes: () => echoes };
}

const paths = [
  { name: "alert pin of the monitor", source: TripSource.alert, blind: "the converter reads nothing" },
  { name: "compare of the sampler", source: TripSource.sampler, blind: "the alert outputs are cut off" },
];

describe.skipIf(missingImagePackages().length > 0)("hard over-current of the RP2040 image, in device time", () => {
  for (const { name, source, blind } of paths) {
    test(`worst of ${CROSSINGS} crossings by the ${name} alone (${blind}), at full rate with a busy collector`, {
      timeout: LONGEST_MS,
    }, async () => {
      const { bench, allOn, run, echoes } = await busyBoard();
      const { electronics } = bench;
      const at = random(source);
      const opened = new Map<number, number>();
      for (const [n, rail] of electronics.rails.entries()) {
        let on = rail.switchOn;
        Object.defineProperty(rail, "switchOn", {
          get: () => on,
          set(next: boolean) {
            if (on && !next) opened.set(n, electronics.now_us());
            on = next;
          },
        });
      }
      if (source === TripSource.alert) electronics.fastInputs_v = () => new Array<number>(CHANNELS).fill(0);
      else
        for (const monitor of electronics.monitors) Object.assign(monitor, { onAlert: undefined, alert: () => false });

      const reactions: number[] = [];
      while (reactions.length < CROSSINGS) {
        for (let n = 0; n < CHANNELS && reactions.length < CROSSINGS; n += 1) {
          await run(1 + Math.floor(at.uniform() * 7));
          opened.delete(n);
          bench.messages.length = 0;
          const crossed_us = electronics.now_us();
          const rail = electronics.rails[n] as (typeof electronics.rails)[0];
          rail.extra_a = OVER_A;
          await run(6);
          reactions.push((opened.get(n) ?? Number.POSITIVE_INFINITY) - crossed_us);
          rail.extra_a = 0;
          const found = (): Message<"trip"> | undefined =>
            bench.messages.find((m) => m.name === "trip")?.body as unknown as Message<"trip"> | undefined;
          for (let waited = 0; waited < 200 && found() === undefined; waited += 1) await run(1);
          const trip = found();
          expect(trip).toMatchObject({ channel: n + 1, fault: Fault.hard_over_current, source });
          const fault = Fault.hard_over_current;
          const check = bodyCheck(n + 1, fault, 0);
          void bench.send("rearm", { channel: n + 1, fault, check });
        }
        await run(300);
        await allOn();
      }
      const worst = Math.max(...reactions);
      const median = [...reactions].sort((a, b) => a - b)[reactions.length >> 1];
      console.log(`${name}: ${reactions.length} crossings, median ${median} us, worst ${worst} us, ${echoes()} echoes`);
      expect(worst).toBeLessThanOrEqual(HARD_US);
      await bench.stop();
    });
  }
});
