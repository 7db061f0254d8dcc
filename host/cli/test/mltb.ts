import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";

/** The command as it is installed. */
export const mltb = fileURLToPath(new URL("../bin/mltb.mjs", import.meta.url));
/** A file of examples/. */
export const example = (name: string): string => fileURLToPath(new URL(`../../../examples/${name}`, import.meta.url));

/** Commands that run. A test that fails ends none of its own: what it leaves would hold the pipes of whoever ran the tests. */
const running = new Set<ChildProcess>();

/** A process that ends with the test file at the latest. */
export function tracked<T extends ChildProcess>(child: T): T {
  running.add(child);
  child.once("exit", () => running.delete(child));
  return child;
}

afterAll(async () => {
  await Promise.all(
    [...running].map(async (child) => {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      const patience = setTimeout(() => child.kill("SIGKILL"), 10_000);
      await ended;
      clearTimeout(patience);
    }),
  );
});

/** How a command ended. */
export interface Ended {
  code: number | null;
  out: string;
  err: string;
}

/** Runs a command to its end. */
export function run(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const child = tracked(spawn(process.execPath, [mltb, ...args], { stdio: ["ignore", "pipe", "pipe"] }));
    let out = "";
    let err = "";
    child.stdout.on("data", (chunk) => (out += chunk));
    child.stderr.on("data", (chunk) => (err += chunk));
    child.on("exit", (code) => resolve({ code, out, err }));
  });
}

/**
 * Runs an experiment of short windows. Where the machine was too busy to simulate the bay in real time the run says so and its verdict
 * is `invalid`, as it should be: such a run is made again, twice at most.
 */
export async function runExperiment(...args: string[]): Promise<Ended> {
  for (let left = 2; ; left -= 1) {
    const ended = await run("run", ...args);
    if (left === 0 || ended.code !== 1 || !ended.err.includes("too busy to simulate in real time")) return ended;
  }
}

/** A command that stays. */
export interface Running {
  /** What its first line said. */
  ready: Record<string, unknown>;
  /** Processes that it has started, and those that they have, whose command line holds this text. */
  descendants(text: string): number[];
  end(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Starts a command that stays; resolves with its first line and a way to end it. */
export function start(...args: string[]): Promise<Running> {
  return new Promise((resolve, reject) => {
    const child = tracked(spawn(process.execPath, [mltb, ...args], { stdio: ["ignore", "pipe", "inherit"] }));
    const exited = new Promise<number | null>((done) => child.on("exit", done));
    child.once("exit", (code) => reject(new Error(`ended with ${code}`)));
    child.stdout.once("data", (chunk) => {
      resolve({
        ready: JSON.parse(String(chunk)),
        descendants(text) {
          const table = execFileSync("ps", ["-eo", "pid=,ppid=,args="], { encoding: "utf8" }).split("\n");
          const processes = table.map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line)).filter((row) => row !== null);
          const family = new Set([child.pid]);
          // A parent may stand behind its child in the table.
          for (let size = 0; size !== family.size; ) {
            size = family.size;
            for (const [, pid, parent] of processes) if (family.has(Number(parent))) family.add(Number(pid));
          }
          return processes
            .filter(([, pid, , command]) => family.has(Number(pid)) && (command as string).includes(text))
            .map(([, pid]) => Number(pid));
        },
        end: (signal = "SIGINT") => {
          child.kill(signal);
          return exited;
        },
      });
    });
  });
}
