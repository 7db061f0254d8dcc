import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";
import { buildImage, missingImagePackages } from "./build.ts";
import { ImageBuildError } from "./errors.ts";

/** What is counted, in instructions of a Cortex-M3. */
export interface Instructions {
  /** A ping received, answered and sent; mean. */
  ping: number;
  /** An echo of 64 bytes: received, decoded, answered, framed and sent; mean. */
  echo64: number;
  /** A block of 100 x 8 samples taken, framed and sent; mean. */
  block100x8: number;
  /** The longest single call of `rx` or `tick` in a mixed load, the collector's steps included. */
  worst_dispatch: number;
}

/** The most that each may take: docs/decisions/0006-instructions.md. */
export const INSTRUCTION_BUDGETS = {
  ping: 25_000,
  echo64: 22_000,
  block100x8: 45_000,
  worst_dispatch: 250_000,
} as const satisfies Instructions;

/** Packages without which instructions cannot be counted; empty when they can. */
export function missingGaugePackages(): string[] {
  const there = spawnSync("qemu-system-arm", ["--version"], { stdio: "ignore" }).error === undefined;
  return [...missingImagePackages(), ...(there ? [] : ["qemu-system-arm"])];
}

/**
 * Runs the bundle on QEMU's mps2-an385 with `-icount shift=0`: one instruction is one virtual nanosecond, so the counts do
 * not depend on the machine that runs QEMU, only on compiler, newlib, Lua and the bundle.
 */
export async function countInstructions(): Promise<Instructions> {
  const { elf } = await buildImage("mps2");
  const machine = ["-M", "mps2-an385", "-display", "none", "-monitor", "none", "-serial", "none", "-icount", "shift=0"];
  const semihosting = ["-semihosting-config", "enable=on,target=native"];
  const { stdout, stderr } = await promisify(execFile)("qemu-system-arm", [...machine, ...semihosting, "-kernel", elf]);
  const count = (name: string): number => {
    const [, digits] = new RegExp(`^gauge ${name} (\\d+)$`, "m").exec(`${stdout}\n${stderr}`) ?? [];
    if (digits === undefined) throw new ImageBuildError(4, `the gauge did not report ${name}:\n${stdout}${stderr}`);
    return Number(digits);
  };
  return {
    ping: count("ping"),
    echo64: count("echo64"),
    block100x8: count("block100x8"),
    worst_dispatch: count("worst_dispatch"),
  };
}
