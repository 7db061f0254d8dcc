import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildBundle } from "@mltb/firmware";
import { createPtyCarrier, createSimulatedRack, type SimulatedRack } from "@mltb/simulators";
import type { TestBay } from "./bay.ts";

const script = fileURLToPath(new URL("supervisor-process.ts", import.meta.url));
const targets = Array.from({ length: 8 }, (_, n) => `t${n + 1}`);

/** A supervisor in a process of its own, over a simulated board in this one: the board lives on when the supervisor is killed. */
export interface KilledBay {
  /** State folder, the same at every start. */
  state: string;
  rack: SimulatedRack;
  address(): { http: string; mqtt: string };
  /** How often each target's switch has moved. */
  moves: Map<string, number>;
  rail(target: string): SimulatedRack["electronics"]["rails"][0];
  api: TestBay["api"];
  /** SIGKILL, and the end of the process. */
  kill(): Promise<void>;
  /** The next supervisor, at the same addresses. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export async function killedBay(seed: number): Promise<KilledBay> {
  const folder = mkdtempSync(join(tmpdir(), "mltb-kill-"));
  const file = join(folder, "bay.yml");
  const state = join(folder, "state");
  const carrier = createPtyCarrier(join(folder, "board"));
  const lines = targets.map((target, n) => `      - { target: ${target}, channel: ${n + 1} }`);
  const link = `    board: { name: board1, kind: monitoring, link: { serial: ${carrier.link} } }`;
  writeFileSync(file, ["bay: kill", "racks:", "  - rack: rack1", link, "    targets:", ...lines, ""].join("\n"));
  const rack = await createSimulatedRack({
    rack: "rack1",
    serial: "KILL",
    bundle: (await buildBundle("monitoring")).source,
    seed,
    clock: "real",
    carrier,
    targets: targets.map((name, n) => ({ name, channel: n + 1, load: { idle_w: 1, cpu_w: 0 } })),
  });
  const moves = new Map<string, number>();
  const rail = (target: string) =>
    rack.electronics.rails[targets.indexOf(target)] as SimulatedRack["electronics"]["rails"][0];
  for (const target of targets) {
    const of = rail(target);
    const { step } = of;
    let before = of.switchOn;
    of.step = (...args) => {
      if (of.switchOn !== before) moves.set(target, (moves.get(target) ?? 0) + 1);
      before = of.switchOn;
      return step(...args);
    };
  }
  rack.start();

  let child: ChildProcess | undefined;
  let address: { http: string; mqtt: string } | undefined;
  const bay: KilledBay = {
    state,
    rack,
    moves,
    rail,
    address: () => address as { http: string; mqtt: string },
    async start() {
      const ports = address === undefined ? ["0", "0"] : [new URL(address.http).port, new URL(address.mqtt).port];
      const started = spawn(process.execPath, [script, file, state, carrier.link, ...ports], {
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
    async kill() {
      const ended = new Promise((resolve) => child?.once("exit", resolve));
      child?.kill("SIGKILL");
      await ended;
    },
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
    async stop() {
      child?.kill("SIGKILL");
      await rack.stop();
      carrier.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await bay.start();
  return bay;
}
