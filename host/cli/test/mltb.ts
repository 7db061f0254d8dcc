import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The command as it is installed. */
export const mltb = fileURLToPath(new URL("../bin/mltb.mjs", import.meta.url));
/** A file of examples/. */
export const example = (name: string): string => fileURLToPath(new URL(`../../../examples/${name}`, import.meta.url));

/** How a command ended. */
export interface Ended {
  code: number | null;
  out: string;
  err: string;
}

/** Runs a command to its end. */
export function run(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [mltb, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    let out = "";
    let err = "";
    child.stdout.on("data", (chunk) => (out += chunk));
    child.stderr.on("data", (chunk) => (err += chunk));
    child.on("exit", (code) => resolve({ code, out, err }));
  });
}

/** Starts a command that stays; resolves with its first line and a way to end it. */
export function start(
  ...args: string[]
): Promise<{ ready: Record<string, unknown>; end: (signal?: NodeJS.Signals) => Promise<number | null> }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [mltb, ...args], { stdio: ["ignore", "pipe", "inherit"] });
    const exited = new Promise<number | null>((done) => child.on("exit", done));
    child.once("exit", (code) => reject(new Error(`ended with ${code}`)));
    child.stdout.once("data", (chunk) => {
      resolve({
        ready: JSON.parse(String(chunk)),
        end: (signal = "SIGINT") => {
          child.kill(signal);
          return exited;
        },
      });
    });
  });
}
