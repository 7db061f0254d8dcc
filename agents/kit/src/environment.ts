import { readdirSync, readFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";

/** What may change how fast a machine is, as it is now. What the system does not tell is null. */
export interface Environment {
  /** Frequency governor of processor 0. */
  governor: string | null;
  /** Runnable processes averaged over the last minute (getloadavg). */
  load_1m: number;
  cores: number;
  /** Highest of the thermal zones, degrees Celsius. */
  temperature_c: number | null;
  /** Processors that the process may use (`Cpus_allowed_list` of proc(5)). */
  allowed_cpus: string | null;
}

const CPU = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor";
const THERMAL = "/sys/class/thermal";

function text(file: string): string | null {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    // Containers and virtual machines have neither governor nor thermal zones.
    return null;
  }
}

function temperature(): number | null {
  let zones: string[];
  try {
    zones = readdirSync(THERMAL).filter((entry) => entry.startsWith("thermal_zone"));
  } catch {
    return null;
  }
  const degrees = zones.map((zone) => Number(text(`${THERMAL}/${zone}/temp`) ?? Number.NaN) / 1000);
  const known = degrees.filter((value) => Number.isFinite(value));
  return known.length === 0 ? null : Math.max(...known);
}

/** Reads the environment of a process of this machine. */
export function readEnvironment(pid: number | "self" = "self"): Environment {
  const allowed = /^Cpus_allowed_list:\s*(\S+)$/m.exec(text(`/proc/${pid}/status`) ?? "")?.[1] ?? null;
  return {
    governor: text(CPU),
    load_1m: loadavg()[0] ?? 0,
    cores: cpus().length,
    temperature_c: temperature(),
    allowed_cpus: allowed,
  };
}
