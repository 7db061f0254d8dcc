import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readBayFile } from "./index.ts";

const folder = mkdtempSync(join(tmpdir(), "mltb-bay-policy-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Key and message of each fault of a target's limits. */
function faultsOf(limits: string): string[] {
  const file = join(folder, "bay.yml");
  writeFileSync(
    file,
    `bay: lab
racks:
  - rack: rack1
    board: { name: b1, kind: monitoring, link: { serial: ./port } }
    targets: [{ target: jetson, channel: 1, limits: { ${limits} } }]
`,
  );
  const read = readBayFile(file);
  return "faults" in read ? read.faults.map(({ message }) => message.replace("racks.0.targets.0.limits.", "")) : [];
}

// Each bound of hardware/src/boards/monitoring.ts, and the first number above it that a file may have.
test.each([
  ["hard_a: 2.95", "hard_a: 2.951", "hard_a: above the rating of a channel, 2.95 A"],
  ["slow_a: 2.8", "slow_a: 2.801", "slow_a: above the rating of a channel, 2.8 A"],
  ["inrush_a: 4", "inrush_a: 4.001", "inrush_a: above the rating of a channel, 4 A"],
  ["inrush_ms: 20", "inrush_ms: 21", "inrush_ms: above the rating of a channel, 20 ms"],
])("%s is taken, %s is above what the board is built for", (within, above, message) => {
  expect(faultsOf(within)).toEqual([]);
  expect(faultsOf(above)).toEqual([message]);
});

test("limits that the board would refuse for each other are faults of the file", () => {
  expect(faultsOf("hard_a: 1, slow_a: 1.5")).toEqual(["slow_a: slow_a is above hard_a"]);
  const below = "inrush_a: inrush_a is below hard_a, which is 2.95 A where it is not given";
  expect(faultsOf("hard_a: 2, inrush_a: 1.9")).toEqual([below]);
  expect(faultsOf("inrush_a: 2.9")).toEqual([below]);
  // Without an inrush time the inrush limit is never in force.
  expect(faultsOf("inrush_a: 2.9, inrush_ms: 0")).toEqual([]);
  expect(faultsOf("hard_a: 2, slow_a: 2, slow_ms: 60000, inrush_a: 2")).toEqual([]);
});
