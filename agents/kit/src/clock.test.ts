import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { readClock } from "./clock.ts";

/** A machine whose files are these. */
function machine(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), "mltb-clock-"));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), `${text}\n`);
  }
  return root;
}

/** Files of a policy of cpufreq, in kHz. */
function policy(n: number, min: number, max: number, governor: string): Record<string, string> {
  const folder = `sys/devices/system/cpu/cpufreq/policy${n}`;
  return {
    [`${folder}/scaling_min_freq`]: `${min}`,
    [`${folder}/scaling_max_freq`]: `${max}`,
    [`${folder}/scaling_governor`]: governor,
  };
}

// The form that JetPack's nvpmodel.conf has, and the file in which nvpmodel keeps its mode.
const conf = `< PARAM TYPE=FILE NAME=CPU_ONLINE >
CORE_0 /sys/devices/system/cpu/cpu0/online
< POWER_MODEL ID=0 NAME=MAXN >
CPU_ONLINE CORE_0 1
< POWER_MODEL ID=2 NAME=MODE_30W >
CPU_ONLINE CORE_0 1
< PM_CONFIG DEFAULT=2 >`;

test("every policy's limits and governor are told, those that are equal once", () => {
  const equal = { ...policy(0, 408_000, 1_800_000, "performance"), ...policy(4, 408_000, 1_800_000, "performance") };
  expect(readClock(machine(equal))).toEqual({ governor: "performance", clock: "408-1800 MHz", power_mode: null });
  const big = { ...policy(10, 500_000, 2_208_500, "schedutil"), ...policy(4, 408_000, 1_416_000, "performance") };
  expect(readClock(machine(big))).toMatchObject({
    governor: "performance, schedutil",
    clock: "408-1416 MHz (policy4), 500-2208.5 MHz (policy10)",
  });
});

test.each([
  ["cpufreq's own", { "sys/devices/system/cpu/cpufreq/boost": "1" }, "boost on"],
  ["cpufreq's own, off", { "sys/devices/system/cpu/cpufreq/boost": "0" }, "boost off"],
  ["intel_pstate's", { "sys/devices/system/cpu/intel_pstate/no_turbo": "0" }, "boost on"],
  ["intel_pstate's, off", { "sys/devices/system/cpu/intel_pstate/no_turbo": "1" }, "boost off"],
])("whether boost is on: %s", (_name, file, text) => {
  expect(readClock(machine(file as Record<string, string>)).clock).toBe(text);
  expect(readClock(machine({ ...policy(0, 1000, 2000, "g"), ...file })).clock).toBe(`1-2 MHz, ${text}`);
});

test.each([
  ["the mode that is kept", { "etc/nvpmodel.conf": conf, "var/lib/nvpmodel/status": "pmode:0000" }, "nvpmodel 0 MAXN"],
  ["the mode of the start", { "etc/nvpmodel.conf": conf }, "nvpmodel 2 MODE_30W"],
  ["a mode without a name", { "var/lib/nvpmodel/status": "pmode:0003" }, "nvpmodel 3"],
  ["a platform profile", { "sys/firmware/acpi/platform_profile": "balanced" }, "balanced"],
  ["nothing", {}, null],
])("power mode: %s", (_name, files, mode) => {
  expect(readClock(machine(files as Record<string, string>))).toEqual({
    governor: null,
    clock: null,
    power_mode: mode,
  });
});
