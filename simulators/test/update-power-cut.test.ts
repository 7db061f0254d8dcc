import { buildBundle } from "@mltb/firmware";
import { BundleFormat, PowerAction } from "@mltb/protocol";
import { expect, test } from "vitest";
import { createFlash, type Flash } from "../src/index.ts";
import { createFlashHal } from "../src/runtime/flash-hal.ts";
import { openBench } from "./bench.ts";
import { changedBundle, sha256, transfer } from "./bundles.ts";
import { cuts, type Operation, record } from "./flash-record.ts";
import { luaBoard } from "./rungs.ts";
import { power } from "./scenarios/scenario.ts";

/** Two updates, the first one confirmed: into slot A, then into slot B, then values in the store. */
async function updates(): Promise<{ operations: Operation[]; confirmed: number; second: number; bundles: string[] }> {
  const rung = await luaBoard();
  const bench = await openBench(rung);
  const operations = record(rung.rack.flash);
  const bundles = [(await buildBundle("monitoring")).source];
  let confirmed = 0;
  let second = 0;
  for (const change of ["newer", "fails after a second"] as const) {
    const bytes = await changedBundle(change, BundleFormat.source);
    bundles.push(Buffer.from(bytes).toString("latin1"));
    if (confirmed > 0) second = operations.length;
    await transfer(bench, bytes, BundleFormat.source);
    const hash = sha256(bytes);
    expect(await bench.request("firmware_start", { hash })).toMatchObject({ kind: "answer" });
    await bench.run(600);
    if (confirmed > 0) break;
    expect(await bench.request("firmware_confirm", { hash })).toMatchObject({ body: { hash } });
    confirmed = operations.length;
  }
  await bench.stop();
  return { operations, confirmed, second, bundles };
}

/** The HAL of a controller that nothing keeps busy. */
function flashHal(flash: Flash, own = "") {
  const nothing = (): void => undefined;
  return createFlashHal(
    flash,
    own,
    () => 0,
    nothing,
    nothing,
    () => "",
  );
}

/** What a board with this flash starts. */
function started(flash: Flash, own: string): string {
  const { slots } = flashHal(flash, own);
  return slots.choose();
}

test("power-cut-during-update: whichever flash operation the power fails in, a whole bundle starts, the old or the new one", async () => {
  const { operations, confirmed, second, bundles } = await updates();
  const [own = "", first = "", last = ""] = bundles;
  expect(operations.length).toBeGreaterThan(1000);
  const outcomes = new Map<string, number>();
  const failures: string[] = [];
  for (const [n, flash] of cuts(operations, 1)) {
    const running = started(flash, own);
    // Until it is confirmed the first bundle may or may not run; from there on it is the least that does.
    const allowed = n < confirmed ? [own, first] : n < second ? [first] : [first, last];
    const which = running === own ? "own" : running === first ? "first" : running === last ? "last" : "damaged";
    outcomes.set(which, (outcomes.get(which) ?? 0) + 1);
    if (!allowed.includes(running)) failures.push(`operation ${n} of ${operations.length}: ${which}`);
  }
  expect(failures).toEqual([]);
  expect(outcomes.get("own")).toBeGreaterThan(500);
  expect(outcomes.get("first")).toBeGreaterThan(500);
}, 120_000);

test("power-cut-during-store: whichever flash operation the power fails in, every value is the one before or the one after", () => {
  const flash = createFlash(1);
  const operations = record(flash);
  const { store_set } = flashHal(flash).hal;
  const history: { after: number; values: Record<string, string> }[] = [{ after: 0, values: {} }];
  for (let n = 0; n < 80; n += 1) {
    const values = { ...history.at(-1)?.values, [`k${n % 5}`]: `${n}`.repeat(40) };
    expect(store_set(`k${n % 5}`, `${n}`.repeat(40))).toBe(true);
    history.push({ after: operations.length, values });
  }
  for (const [n, chip] of cuts(operations, 77)) {
    const { store_get, store_set: set } = flashHal(chip).hal;
    const before = history.findLast((entry) => entry.after <= n)?.values ?? {};
    const after = history.find((entry) => entry.after > n)?.values ?? {};
    const found = Object.fromEntries(["k0", "k1", "k2", "k3", "k4"].map((key) => [key, store_get(key)]));
    const filled = (values: Record<string, string>) =>
      Object.fromEntries(Object.keys(found).map((key) => [key, values[key] ?? ""]));
    expect([filled(before), filled(after)], `operation ${n}`).toContainEqual(found);
    expect(set("k0", "again")).toBe(true);
    expect(store_get("k0")).toBe("again");
  }
});

test("power-cut-while-the-board-runs: it comes up with the bundle before, and the update works when it is tried again", async () => {
  const rung = await luaBoard();
  const bench = await openBench(rung);
  const bytes = await changedBundle("newer", BundleFormat.source);
  rung.rack.flash.cutAt(rung.rack.flash.operations() + 700);
  await expect(transfer(bench, bytes, BundleFormat.source)).rejects.toThrow(/firmware_write/);
  await bench.run(3000);
  expect(await bench.request("firmware_get", {})).toMatchObject({ body: { slot: 0 } });
  await transfer(bench, bytes, BundleFormat.source);
  const hash = sha256(bytes);
  await bench.request("firmware_start", { hash });
  await bench.run(1500);
  expect(await bench.request("firmware_confirm", { hash })).toMatchObject({ body: { slot: 1, state: 1 } });
  expect(await power(bench, PowerAction.on)).toMatchObject({ kind: "answer" });
  await bench.stop();
}, 60_000);
