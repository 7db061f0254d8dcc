import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { generatedFiles } from "../gen/files.ts";
import { calls, features, nearest, parseCommandTopic, readBayFile } from "./index.ts";

test.each(Object.entries(generatedFiles()))(
  "%s is what the features generate (node host/contract/gen/all.ts)",
  (path, text) => {
    expect(readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8")).toBe(text);
  },
);

test.each([
  "power",
  "reset",
  "strap",
  "measure",
  "faults",
  "panel",
  "markers",
  "health",
  "locate",
  "calibration",
] as const)("%s has a resource, a verb of its name, a call of mltb.board.v1 and a topic", (name) => {
  const own = calls().filter(({ feature }) => feature.name === name);
  const whole = own.filter(({ call }) => call.stream === undefined);
  expect(whole.length).toBeGreaterThan(0);
  for (const { call } of whole) {
    expect(call.path).toMatch(/^\/api\/v1\//);
    expect(call.cli).toMatch(new RegExp(`^mltb ${name}( |$)`));
    expect(call.grpc).toBeDefined();
  }
  const commanded = own.some(({ call }) => call.mqtt !== undefined);
  expect(commanded || features[name].topics.length > 0).toBe(true);
});

function bayFile(text: string): ReturnType<typeof readBayFile> {
  const file = join(mkdtempSync(join(tmpdir(), "mltb-bay-")), "bay.yml");
  writeFileSync(file, text);
  return readBayFile(file);
}

test("all faults of a bay file come together, with line, column and the nearest name, in the order of the file", () => {
  const read = bayFile(`bay: demo
racks:
  - rack: rack1
    bord: 3
    board: { name: b1, kind: monitring, link: simulated }
    targets:
      - { target: a, channel: 9, load: { idle_w: many, cpu_w: 0 } }
`);
  const faults = "faults" in read ? read.faults : [];
  expect(faults.map(({ line, column, code, suggestion }) => [line, column, code, suggestion])).toEqual([
    [4, 5, "unknown-key", "did you mean board?"],
    [5, 30, "value", "did you mean monitoring?"],
    [7, 31, "value", undefined],
    [7, 50, "type", undefined],
  ]);
});

test("names are unique in the bay, and a channel feeds one target", () => {
  const read = bayFile(`bay: demo
racks:
  - rack: rack1
    board: { name: b1, kind: monitoring, link: simulated }
    targets:
      - { target: a, channel: 1, load: { idle_w: 1, cpu_w: 0 } }
      - { target: b1, channel: 1, load: { idle_w: 1, cpu_w: 0 } }
`);
  const faults = "faults" in read ? read.faults : [];
  expect(faults.map((fault) => [fault.line, fault.code])).toEqual([
    [7, "duplicate-name"],
    [7, "channel-used"],
  ]);
});

test("names and channels that stand twice are told beside faults of form", () => {
  const read = bayFile(`bay: De mo
racks:
  - rack: rack1
    bord: 3
    board: { name: b1, kind: monitoring, link: simulated }
    targets:
      - { target: a, channel: 1, load: { idle_w: many, cpu_w: 0 } }
      - { target: a, channel: 1, load: { idle_w: 1, cpu_w: 0 } }
      - 7
`);
  const faults = "faults" in read ? read.faults : [];
  expect(faults.map(({ line, column, code }) => [line, column, code])).toEqual([
    [1, 6, "value"],
    [4, 5, "unknown-key"],
    [7, 50, "type"],
    [8, 19, "duplicate-name"],
    [8, 31, "channel-used"],
    [9, 9, "type"],
  ]);
});

test("a syntax error says where it is", () => {
  const read = bayFile("bay: demo\nracks: [\n");
  expect("faults" in read && read.faults[0]).toMatchObject({ code: "yaml-syntax", line: 3 });
});

test("the nearest name is near", () => {
  expect(nearest("lokal-cpu", ["local-cpu", "local-wasm"])).toBe("local-cpu");
  expect(nearest("zzzzzz", ["local-cpu"])).toBeUndefined();
});

test("only command topics are command topics", () => {
  expect(parseCommandTopic("demo", "mltb/v1/demo/cmd/u/target/t/power")).toMatchObject({
    user: "u",
    name: "t",
    feature: "power",
    retained: false,
  });
  expect(parseCommandTopic("demo", "mltb/v1/other/cmd/u/target/t/power")).toBeUndefined();
  expect(parseCommandTopic("demo", "mltb/v1/demo/cmd/u/target/t/power/x")).toBeUndefined();
});
