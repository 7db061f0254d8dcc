import { buildBundle } from "@mltb/firmware";
import { buildCodecWasm, buildLuaWasm, missingWasmPackages } from "@mltb/firmware/images";
import { describe, expect, test } from "vitest";
import { createFuzzer, emptyTally, verdict } from "./index.ts";

const BYTES = process.env["MLTB_LONG"] === "1" ? 10_000_000 : 600_000;
const missing = missingWasmPackages();
if (missing.length > 0) console.warn(`the receiving end in C is not fuzzed: apt-get install ${missing.join(" ")}`);

describe.skipIf(missing.length > 0)("the receiving end in C", () => {
  test(`${BYTES} damaged bytes: a board with deframer and bodies in C, and the two beside TypeScript`, async () => {
    const fuzzer = await createFuzzer({
      bundle: (await buildBundle("monitoring")).source,
      seed: 2,
      c: {
        codec: await buildCodecWasm(),
        lua: await buildLuaWasm("i64"),
        codecBundle: (await buildBundle("codec")).source,
      },
    });
    const tally = emptyTally();
    for (let number = 0; tally.bytes < BYTES; number += 1) await fuzzer.round(tally, number);
    await fuzzer.close();
    expect(tally.rounds_in_c).toBeGreaterThanOrEqual(Math.floor(tally.rounds / 2));
    expect(tally.bodies).toBeGreaterThan(1000);
    expect(verdict(tally)).toEqual([]);
  });
});
