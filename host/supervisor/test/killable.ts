import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { TestBay } from "./bay.ts";

const script = fileURLToPath(new URL("supervisor-process.ts", import.meta.url));

/** A supervisor in a process of its own, which a test can kill and start again on the same state. */
export interface Killable {
  /** State folder, the same at every start. */
  state: string;
  address(): { http: string; mqtt: string };
  api: TestBay["api"];
  /** A signal, and the end of the process; SIGKILL where none is named. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** The next supervisor, at the same addresses. */
  start(): Promise<void>;
  /** SIGKILL without waiting. */
  drop(): void;
}

/** @param device of the board; boards that the bay file describes as foreign need none */
export function killable(folder: string, file: string, device = "-"): Killable {
  const state = join(folder, "state");
  let child: ChildProcess | undefined;
  let address: { http: string; mqtt: string } | undefined;
  return {
    state,
    address: () => address as { http: string; mqtt: string },
    async start() {
      const ports = address === undefined ? ["0", "0"] : [new URL(address.http).port, new URL(address.mqtt).port];
      const started = spawn(process.execPath, [script, file, state, device, ...ports], {
        stdio: ["ignore", "pipe", "inherit"],
        // Compiling what it loads is most of a start.
        env: { ...process.env, NODE_COMPILE_CACHE: join(folder, "cache") },
      });
      child = started;
      address = await new Promise((resolve, reject) => {
        started.stdout?.once("data", (chunk) => resolve(JSON.parse(String(chunk))));
        started.once("exit", (code, signal) => reject(new Error(`the supervisor ended with ${code ?? signal}`)));
      });
    },
    async kill(signal = "SIGKILL") {
      const ended = new Promise((resolve) => child?.once("exit", resolve));
      child?.kill(signal);
      await ended;
    },
    drop: () => void child?.kill("SIGKILL"),
    async api(method, path, body, headers = {}) {
      const response = await fetch(`${address?.http}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${readFileSync(join(state, "token"), "utf8").trim()}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: response.status, json: JSON.parse((await response.text()) || "null") };
    },
  };
}
