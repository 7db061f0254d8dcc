import { cpus, loadavg, release, totalmem } from "node:os";
import { type ClockSettings, readClock } from "./clock.ts";
import { systemNames, systemText } from "./system-file.ts";

/** What may change how fast a machine is, as it is now. What the system does not tell is null. */
export interface Environment extends ClockSettings {
  /** Runnable processes averaged over the last minute (getloadavg). */
  load_1m: number;
  cores: number;
  /** Highest of the thermal zones, degrees Celsius. */
  temperature_c: number | null;
  /** Processors that the process may use (`Cpus_allowed_list` of proc(5)). */
  allowed_cpus: string | null;
  /** Model of the processor with its stepping (x86) or its part, variant and revision (Arm). */
  processor: string | null;
  memory_bytes: number;
  /** Name of the board: model of the device tree, or DMI's product name. */
  board: string | null;
  /** Name and version of the distribution (os-release(5)). */
  os: string | null;
  kernel: string;
  /** Kinds of the cooling devices that the kernel controls, in alphabetical order. */
  cooling: string | null;
}

const THERMAL = "/sys/class/thermal";

function thermal(kind: "thermal_zone" | "cooling_device"): string[] {
  return systemNames(THERMAL, kind);
}

function temperature(): number | null {
  const zones = thermal("thermal_zone").map((zone) => systemText(`${THERMAL}/${zone}/temp`));
  const degrees = zones.map((milli) => Number(milli ?? Number.NaN) / 1000);
  const known = degrees.filter((value) => Number.isFinite(value));
  return known.length === 0 ? null : Math.max(...known);
}

function cooling(): string | null {
  const kinds = thermal("cooling_device").flatMap((device) => systemText(`${THERMAL}/${device}/type`) ?? []);
  return kinds.length === 0 ? null : [...new Set(kinds)].sort().join(", ");
}

/** What `/proc/cpuinfo` says of the first processor. */
export function processorOf(cpuinfo: string): string | null {
  const of = (key: string): string | undefined =>
    new RegExp(`^${key}\\s*:\\s*(\\S.*)$`, "m").exec(cpuinfo)?.[1]?.trim();
  const model = of("model name");
  const stepping = of("stepping");
  const [implementer, part] = [of("CPU implementer"), of("CPU part")];
  const words = [
    ...(model === undefined ? [] : [model]),
    ...(stepping === undefined ? [] : [`stepping ${stepping}`]),
    // MIDR_EL1: variant and revision are the r and p of Arm's errata notices.
    ...(part === undefined
      ? []
      : [
          `implementer ${implementer ?? "?"} part ${part} r${Number(of("CPU variant") ?? 0)}p${of("CPU revision") ?? "0"}`,
        ]),
  ];
  return words.length === 0 ? null : words.join(", ");
}

function board(): string | null {
  const name = systemText("/proc/device-tree/model") ?? systemText("/sys/class/dmi/id/product_name");
  return name?.replaceAll("\0", "").trim() || null;
}

function distribution(): string | null {
  return /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(systemText("/etc/os-release") ?? "")?.[1] ?? null;
}

/** Reads the environment of a process of this machine. */
export function readEnvironment(pid: number | "self" = "self"): Environment {
  const allowed = /^Cpus_allowed_list:\s*(\S+)$/m.exec(systemText(`/proc/${pid}/status`) ?? "")?.[1] ?? null;
  return {
    ...readClock(),
    load_1m: loadavg()[0] ?? 0,
    cores: cpus().length,
    temperature_c: temperature(),
    allowed_cpus: allowed,
    processor: processorOf(systemText("/proc/cpuinfo") ?? "") ?? cpus()[0]?.model ?? null,
    memory_bytes: totalmem(),
    board: board(),
    os: distribution(),
    kernel: release(),
    cooling: cooling(),
  };
}
