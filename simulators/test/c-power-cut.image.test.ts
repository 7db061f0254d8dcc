import { createHash } from "node:crypto";
import { buildSlotsWasm, missingWasmPackages } from "@mltb/firmware/images";
import { describe, expect, test } from "vitest";
import { createFlash } from "../src/index.ts";
import { webAssembly } from "../src/runtime/web-assembly.ts";
import { random } from "../src/world/random.ts";
import { cSlots } from "./c-slots.ts";
import { cuts, record } from "./flash-record.ts";

const missing = missingWasmPackages();
if (missing.length > 0) console.warn(`power cuts in C are not tried: apt-get install ${missing.join(" ")}`);

/** Seeds of the bits that an operation without power has reached. */
const SEEDS = process.env["MLTB_LONG"] === "1" ? 20 : 2;
/** Enough for several sectors and a last page that is not full. */
const BUNDLE_BYTES = 17_003;

const source = random(41);
const bundle = (): Buffer =>
  Buffer.from(Array.from({ length: BUNDLE_BYTES }, () => Math.floor(source.uniform() * 256)));
const sha256 = (bytes: Uint8Array): Buffer => createHash("sha256").update(bytes).digest();

describe.skipIf(missing.length > 0)("slots.c and store.c with the power cut at every flash operation", () => {
  test("two updates, the first one confirmed: a whole bundle is chosen, the old or the new one", async () => {
    const module = new webAssembly.Module(await buildSlotsWasm());
    const flash = createFlash(1);
    const operations = record(flash);
    const [first, second] = [bundle(), bundle()];
    const names = new Map([
      ["own", "own"],
      [first.toString("latin1"), "first"],
      [second.toString("latin1"), "second"],
    ]);
    const before = cSlots(module, flash);
    expect(names.get(before.choose())).toBe("own");
    before.receive(1, first);
    expect(before.finish(1, first, sha256(second))).toBe(false);
    expect(before.finish(1, first, sha256(first))).toBe(true);
    const trial = cSlots(module, flash);
    expect(names.get(trial.choose())).toBe("first");
    trial.confirm();
    const confirmed = operations.length;
    trial.receive(2, second);
    expect(trial.finish(2, second, sha256(second))).toBe(true);
    expect(names.get(cSlots(module, flash).choose())).toBe("second");
    // Started once and never confirmed: the one before runs.
    expect(names.get(cSlots(module, flash).choose())).toBe("first");
    expect(operations.length).toBeGreaterThan(140);
    const outcomes = new Map<string, number>();
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      for (const [n, chip] of cuts(operations, seed)) {
        const which = names.get(cSlots(module, chip).choose()) ?? "damaged";
        expect(n < confirmed ? ["own", "first"] : ["first", "second"], `operation ${n}, seed ${seed}`).toContain(which);
        outcomes.set(which, (outcomes.get(which) ?? 0) + 1);
      }
    }
    expect(Math.min(outcomes.get("own") ?? 0, outcomes.get("first") ?? 0)).toBeGreaterThan(SEEDS * 60);
  });

  test("values of the store: each is the one before or the one after, and the store takes a value again", async () => {
    const module = new webAssembly.Module(await buildSlotsWasm());
    const flash = createFlash(1);
    const operations = record(flash);
    const store = cSlots(module, flash);
    const keys = ["k0", "k1", "k2", "k3", "k4"];
    const history: { after: number; values: Record<string, string> }[] = [{ after: 0, values: {} }];
    for (let n = 0; n < 80; n += 1) {
      const value = n % 13 === 12 ? "" : `${n}`.repeat(40);
      expect(store.set(`k${n % 5}`, value)).toBe(true);
      history.push({ after: operations.length, values: { ...history.at(-1)?.values, [`k${n % 5}`]: value } });
    }
    expect(operations.length).toBeGreaterThan(100);
    const filled = (values: Record<string, string> | undefined) => keys.map((key) => values?.[key] ?? "");
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      for (const [n, chip] of cuts(operations, seed)) {
        const after = cSlots(module, chip);
        const allowed = [
          filled(history.findLast((entry) => entry.after <= n)?.values),
          filled(history.find((entry) => entry.after > n)?.values),
        ];
        expect(allowed, `operation ${n}, seed ${seed}`).toContainEqual(keys.map((key) => after.get(key)));
        expect(after.set("k0", "again")).toBe(true);
        expect(after.get("k0")).toBe("again");
      }
    }
  });
});
