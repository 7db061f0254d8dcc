import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { pins as usbPins } from "../generated/managed-usb-pins.ts";
import { pins } from "../generated/monitoring-pins.ts";
import { generatedFiles } from "../pages/index.ts";
import { monitoringBoard } from "../src/boards/monitoring.ts";
import { monitoringConverter } from "../src/boards/monitoring-converter.ts";
import { managedUsbDesign } from "../src/designs/managed-usb.ts";
import { readBay } from "./bay-file.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "mltb-hardware-"));

function hardware(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, "hardware/build/cli.ts"), ...args], {
    cwd: folder,
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

function bayFile(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return name;
}

describe("hardware check", () => {
  it("says that the boards and the example bay have no clash, and leaves with 0", () => {
    const { status, stdout, stderr } = hardware("check");
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^monitoring, revision A: no clash, \d+ figures within their limits$/m);
    expect(stdout).toMatch(/^bay demo .*no clash/m);
  });

  it("prints one JSON document with every figure", () => {
    const { status, stdout } = hardware("check", "--json");
    const document = JSON.parse(stdout);
    expect([status, document.schema]).toEqual([0, "mltb.hardware-check/1"]);
    expect(document.boards.map(({ board }: { board: string }) => board)).toEqual([
      "monitoring",
      "monitoring-12v",
      "managed-usb",
    ]);
  });

  it("names file, line and column of every fault of a bay, and leaves with 2", () => {
    const file = bayFile(
      "bay.yml",
      "bay: lab\nracks:\n  - rack: r1\n    board: { name: b1, kind: monitoring }\n    targets:\n" +
        "      - { target: a, channel: 12 }\n      - target: b\n        channel: 1\n        load: { idle_w: 20, cpu_w: 0, capacitance_uf: 9000 }\n",
    );
    const text = hardware("check", "--bay", file);
    expect(text.status).toBe(2);
    expect(text.stderr.split("\n")).toEqual([
      "bay.yml:6:31: error: lab: r1, a: channel 12 does not exist on b1, a monitoring board; use 1 to 8",
      "bay.yml:9:15: error: lab: r1, b: draws 5.2 A at 5 V, J1 carries 2.8 A; lower the load or feed it from the 12 V class",
      "bay.yml:9:55: error: lab: r1, b: has 9000 uF, inrush and discharge of J1 are built for 2200 uF; lower the capacitance",
      "3 clashes",
      "",
    ]);
    const { errors } = JSON.parse(hardware("check", "--bay", file, "--json").stdout);
    expect(errors.map(({ code, line }: { code: number; line: number }) => [code, line])).toEqual([
      [701, 6],
      [702, 9],
      [703, 9],
    ]);
  });

  it("values that cannot be judged are faults with their place, not figures", () => {
    const file = bayFile(
      "odd-values.yml",
      "bay: lab\nracks:\n  - rack: r1\n    board: { name: b1, kind: monitoring }\n    targets:\n" +
        "      - { target: a, channel: 1, load: { idle_w: much, cpu_w: 1 } }\n      - { target: b, channel: 1.5 }\n" +
        "      - { target: c }\n      - target: d\n        channel: 2\n        load:\n          idle_w: 1\n",
    );
    const { status, stderr } = hardware("check", "--bay", file);
    expect(status).toBe(2);
    expect(stderr.split("\n").map((line) => line.replace(/; [^;]*$/, ""))).toEqual([
      'odd-values.yml:6:50: error: lab: r1, a: load.idle_w is "much", a number of W from 0 on is wanted',
      "odd-values.yml:7:31: error: lab: r1, b: channel 1.5 does not exist on b1, a monitoring board",
      "odd-values.yml:8:9: error: lab: r1, c: channel undefined does not exist on b1, a monitoring board",
      "odd-values.yml:12:11: error: lab: r1, d: load.cpu_w is missing, a number of W from 0 on is wanted",
      "4 clashes",
      "",
    ]);
  });

  it("a file that is missing, no YAML or no bay is refused with 2", () => {
    const missing = hardware("check", "--bay", "nothing.yml");
    expect(missing.status).toBe(2);
    expect(missing.stderr).toContain("nothing.yml not found");
    expect(hardware("check", "--bay", bayFile("broken.yml", "bay: [\n")).stderr).toMatch(
      /broken\.yml:\d+:\d+: error: /,
    );
    const tagged = bayFile("tagged.yml", "bay: x\nracks:\n  - !include rack.yml\n");
    expect(hardware("check", "--bay", tagged).stderr).toMatch(/tagged\.yml:3:5: error: tags such as !include/);
    const odd = hardware("check", "--bay", bayFile("odd.yml", "experiment: x\n"), "--json");
    expect([odd.status, JSON.parse(odd.stdout).errors[0].code]).toEqual([2, 3]);
    expect(hardware("chekc").status).toBe(2);
    expect(hardware("--help").status).toBe(0);
  });
});

describe("generated files", () => {
  const example = "examples/demo-bay.yml";
  for (const [name, content] of generatedFiles(readBay(join(root, example)).bay, example)) {
    it(`${name} is what the data say (npm run -s hardware -- docs)`, () => {
      expect(readFileSync(join(root, name), "utf8")).toBe(content);
    });
  }

  it("no file of docs/hardware is left over", () => {
    const kept = execFileSync("git", ["ls-files", "docs/hardware", "hardware/generated"], {
      cwd: root,
      encoding: "utf8",
    });
    const known = [...generatedFiles(readBay(join(root, example)).bay, example).keys()];
    expect(kept.split("\n").filter((file) => file !== "" && !known.includes(file))).toEqual([]);
  });

  it("the constants are the numbers that firmware uses", () => {
    expect(pins.alert).toBe(monitoringBoard.alert_pin);
    expect(pins.converter_clkin).toBe(monitoringConverter.pins.clkin);
    expect(pins.marker_8).toBe(monitoringBoard.channels[7]?.marker_pin);
    expect(Object.values(usbPins)).toEqual(managedUsbDesign.pins.map(({ pin }) => pin));
    const header = readFileSync(join(root, "hardware/generated/monitoring-pins.h"), "utf8");
    for (const [name, pin] of Object.entries(pins))
      expect(header).toContain(`#define PIN_${name.toUpperCase()} ${pin}u `);
  });
});
