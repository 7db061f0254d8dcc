import { buildBundle } from "@mltb/firmware";
import { expect, test } from "vitest";
import { createFuzzer, emptyTally, verdict } from "./index.ts";

const BYTES = process.env["MLTB_LONG"] === "1" ? 10_000_000 : 1_000_000;

test(`${BYTES} damaged bytes on both sides: none of the guaranteed damage is accepted, nothing switches, nothing grows`, async () => {
  const fuzzer = await createFuzzer({ bundle: (await buildBundle("monitoring")).source, seed: 1 });
  const tally = emptyTally();
  for (let number = 0; tally.bytes < BYTES; number += 1) await fuzzer.round(tally, number);
  await fuzzer.close();
  expect(tally.frames.guarantee).toBeGreaterThan(BYTES / 200);
  expect(verdict(tally)).toEqual([]);
});
