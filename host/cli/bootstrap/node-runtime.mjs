// Runs under whatever Node started it (20 or newer): no TypeScript, no dependency.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's root folder. */
export const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");

/** Whether this Node runs TypeScript by stripping types (22.18 and newer, 24 included). */
export function stripsTypes(version = process.versions.node) {
  const [major, minor] = version.split(".").map(Number);
  return major > 22 || (major === 22 && minor >= 18);
}

/** Path of a Node that runs the sources: this one where it is new enough, else the one that npm installed. */
export function runtimePath() {
  if (stripsTypes()) return process.execPath;
  const bundled = join(root, "node_modules", `node-${process.platform}-${process.arch}`, "bin", "node");
  return existsSync(bundled) ? bundled : undefined;
}

/**
 * Runs a program, passes signals on and resolves with its exit code. A terminal sends Ctrl-C to the whole process
 * group, so the program may see the signal twice; it treats signals that close as one.
 */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: "inherit", cwd: root, ...options });
    const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
    const pass = (signal) => child.kill(signal);
    for (const signal of signals) process.on(signal, pass);
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      for (const name of signals) process.off(name, pass);
      resolve(code ?? (signal === "SIGINT" ? 130 : 128 + (signal === "SIGTERM" ? 15 : 9)));
    });
  });
}
