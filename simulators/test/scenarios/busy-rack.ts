import { bodyCheck, Outcome, PowerAction, StrapLine, StrapStep } from "@mltb/protocol";
import { expect } from "vitest";
import type { Bench } from "../bench.ts";
import { strapStep } from "./lines.ts";
import { switchChannel } from "./settings.ts";

const ON = [1, 3, 8];
const CYCLED = 4;
const STRAPPED = 5;
const NAME = "again";
/** Until the strap line is driven, and until everything has begun. */
const LINE_MS = 300;
const BEGUN_MS = 1000;
const WATCHED_MS = 3000;

/**
 * Channels 1, 3 and 8 on, a cycle in its dwell on 4, a strap sequence under way on 5. The last two switch on (again) when
 * `again_ms` have passed, and not much later.
 */
export async function busyRack(bench: Bench, again_ms: number): Promise<void> {
  const steps =
    strapStep(StrapStep.on, 0, LINE_MS) +
    strapStep(StrapStep.lines, StrapLine.strap, again_ms - LINE_MS) +
    strapStep(StrapStep.off, 0, 0) +
    strapStep(StrapStep.on, 0, 0);
  expect(await bench.request("strap_set", { name: NAME, steps })).toMatchObject({ body: { steps } });
  for (const channel of [...ON, CYCLED]) {
    expect(await switchChannel(bench, channel, PowerAction.on)).toMatchObject({ body: { outcome: Outcome.done } });
  }
  void bench.send("strap_run", { channel: STRAPPED, name: NAME, check: bodyCheck(STRAPPED, 0, 0) });
  const cycle = { channel: CYCLED, action: PowerAction.cycle, off_ms: again_ms };
  void bench.send("power_set", { ...cycle, check: bodyCheck(CYCLED, cycle.action, again_ms) });
  await bench.run(BEGUN_MS);
  const { board, chain } = bench.electronics;
  const begun = [...ON, STRAPPED];
  expect(bench.world.switches()).toEqual(board.channels.map(({ number }) => (begun.includes(number) ? 1 : 0)));
  expect(chain.output(board.channels[STRAPPED - 1]?.strap_bit ?? -1)).toBe(1);
}

/** Nothing is on, and for three seconds nothing goes on again, nor is a strap line driven. */
export async function staysDark(bench: Bench): Promise<void> {
  const { board, chain } = bench.electronics;
  const none = board.channels.map(() => 0);
  for (let ms = 0; ms < WATCHED_MS; ms += 10) {
    expect([ms, ...bench.world.switches()]).toEqual([ms, ...none]);
    await bench.run(10);
  }
  expect(board.channels.map(({ strap_bit }) => chain.output(strap_bit))).toEqual(none);
}
