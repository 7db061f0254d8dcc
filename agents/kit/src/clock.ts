import { join } from "node:path";
import { systemNames, systemText } from "./system-file.ts";

/** What decides how fast processors are clocked. What the system does not tell is null. */
export interface ClockSettings {
  /** Frequency governors of all processors, each once, in alphabetical order. */
  governor: string | null;
  /** Lowest and highest frequency that is allowed, of each policy where they differ, and whether boost is on. */
  clock: string | null;
  /** Power mode of the board: that of NVIDIA's nvpmodel, or ACPI's platform profile. */
  power_mode: string | null;
}

const CPU = "sys/devices/system/cpu";

/** Reads the clock's settings of the machine whose files lie below `root`. */
export function readClock(root = "/"): ClockSettings {
  const folder = join(root, CPU, "cpufreq");
  const policies = systemNames(folder, "policy").sort((a, b) => Number(a.slice(6)) - Number(b.slice(6)));
  const governors = policies.flatMap((policy) => systemText(join(folder, policy, "scaling_governor")) || []);
  const words = [...limits(folder, policies), ...boost(root)];
  return {
    governor: governors.length === 0 ? null : [...new Set(governors)].sort().join(", "),
    clock: words.length === 0 ? null : words.join(", "),
    power_mode: nvpmodel(root) ?? (systemText(join(root, "sys/firmware/acpi/platform_profile")) || null),
  };
}

/** `408-1800 MHz`; with the policies of each where there are several such ranges. */
function limits(folder: string, policies: string[]): string[] {
  const ranges = new Map<string, string[]>();
  for (const policy of policies) {
    const ends = ["scaling_min_freq", "scaling_max_freq"].map((name) => systemText(join(folder, policy, name)));
    if (ends.some((khz) => khz === null || !/^\d+$/.test(khz))) continue;
    const range = `${ends.map((khz) => Number(khz) / 1000).join("-")} MHz`;
    ranges.set(range, [...(ranges.get(range) ?? []), policy]);
  }
  if (ranges.size < 2) return [...ranges.keys()];
  return [...ranges].map(([range, of]) => `${range} (${of.join(" ")})`);
}

/** Whether frequencies above the nominal one are used: `boost` of cpufreq, or intel_pstate's `no_turbo`. */
function boost(root: string): string[] {
  const on = systemText(join(root, CPU, "cpufreq/boost"));
  if (on !== null) return [`boost ${on === "1" ? "on" : "off"}`];
  const not = systemText(join(root, CPU, "intel_pstate/no_turbo"));
  return not === null ? [] : [`boost ${not === "0" ? "on" : "off"}`];
}

/** The mode that nvpmodel keeps (`pmode:0002`), or starts with, by the name that its configuration gives it. */
function nvpmodel(root: string): string | null {
  const conf = systemText(join(root, "etc/nvpmodel.conf")) ?? "";
  const kept = /^pmode:(\d+)/m.exec(systemText(join(root, "var/lib/nvpmodel/status")) ?? "");
  const id = (kept ?? /<\s*PM_CONFIG\s+DEFAULT=(\d+)/.exec(conf))?.[1];
  if (id === undefined) return null;
  const names = conf.matchAll(/<\s*POWER_MODEL\s+ID=(\d+)\s+NAME=([^\s>]+)/g);
  const name = [...names].find((model) => Number(model[1]) === Number(id))?.[2];
  return `nvpmodel ${Number(id)}${name === undefined ? "" : ` ${name}`}`;
}
