import { PassThrough, type Readable } from "node:stream";
import type { AgentLauncher, RunningAgent } from "@mltb/agent-kit";
import { createCpuTimeReader } from "./cpu-time.ts";
import { createCpuLoad } from "./load.ts";

/** What a simulated target draws and how it boots. */
export interface LoadModel {
  idle_w: number;
  /** Added for each busy core of the process that runs the model. */
  cpu_w: number;
  boot_w?: number;
}

export interface ComputerOptions {
  name: string;
  load: LoadModel;
  boot: { duration_ms: number; lines: string[] };
  launcher?: AgentLauncher;
  /** World time of a CLOCK_MONOTONIC time. */
  worldTime(at_ns: bigint): number;
  onMarker(level: 0 | 1, at_us: number): void;
}

const POWER_GOOD_V = 4.5;
const BROWN_OUT_V = 3.6;
/** A failed agent is started again after this, as a service manager would. */
const RESTART_MS = 1000;

/** The computer behind a rail: boots when power is good, runs a real agent, draws what the model process uses. */
export interface Computer {
  console: Readable;
  state(): "off" | "booting" | "running";
  modelPid(): number | undefined;
  /** Power drawn over an interval of the world, for the rail's voltage at its start. */
  power(from_us: number, to_us: number, voltage_v: number, resetAsserted: boolean): number;
  /** Reads CPU time; called every few milliseconds of real time. */
  poll(): void;
  stop(): Promise<void>;
}

export function createComputer(options: ComputerOptions): Computer {
  const console = new PassThrough();
  const load = createCpuLoad();
  let state: "off" | "booting" | "running" = "off";
  let booted_us = 0;
  let linesShown = 0;
  let restart_us = 0;
  let agent: RunningAgent | undefined;
  let pid: number | undefined;
  let readCpu: (() => bigint | undefined) | undefined;
  let stopped = false;

  function say(text: string): void {
    // Without a reader the stream would grow: a console that nobody reads loses its text, as a UART does.
    if (!stopped && console.readableLength < 65_536) console.write(`${text}\r\n`);
  }

  function cut(): void {
    agent?.kill();
    agent = undefined;
    pid = undefined;
    readCpu = undefined;
    state = "off";
  }

  function launch(): void {
    if (options.launcher === undefined || stopped) return;
    const mine = options.launcher.launch({
      onReady: (info) => say(`${options.name}: agent ready${info.grpc === null ? "" : ` on ${info.grpc}`}`),
      onMarker: (level, at_ns) => {
        if (agent === mine) options.onMarker(level, options.worldTime(at_ns));
      },
      onModelProcess(next) {
        if (agent !== mine) return;
        load.end(0);
        pid = next ?? undefined;
        readCpu = next === null ? undefined : createCpuTimeReader(next);
      },
      onCpuTime(cpu_ns, at_ns) {
        if (agent === mine) load.reading(cpu_ns, options.worldTime(at_ns));
      },
      onExit(code, signal) {
        if (agent !== mine) return;
        agent = undefined;
        pid = undefined;
        readCpu = undefined;
        say(`${options.name}: agent ended (${signal ?? code})`);
        restart_us = -1;
      },
      onLine: (text) => say(text),
    });
    agent = mine;
  }

  function boot(now_us: number): void {
    const { duration_ms, lines } = options.boot;
    const elapsed_ms = (now_us - booted_us) / 1000;
    const due = Math.min(lines.length, Math.floor((elapsed_ms / duration_ms) * (lines.length + 1)));
    while (linesShown < due) say(lines[linesShown++] as string);
    if (elapsed_ms < duration_ms) return;
    state = "running";
    say(`${options.name} login:`);
    launch();
  }

  return {
    console,
    state: () => state,
    modelPid: () => pid,
    power(from_us, to_us, voltage_v, resetAsserted) {
      if (state !== "off" && (voltage_v < BROWN_OUT_V || resetAsserted)) cut();
      if (state === "off") {
        if (voltage_v < POWER_GOOD_V || resetAsserted) return options.load.idle_w / 4;
        state = "booting";
        booted_us = to_us;
        linesShown = 0;
      }
      if (state === "booting") {
        boot(to_us);
        return options.load.boot_w ?? options.load.idle_w * 1.3;
      }
      if (agent === undefined && options.launcher !== undefined) {
        if (restart_us < 0) restart_us = to_us + RESTART_MS * 1000;
        else if (to_us >= restart_us) launch();
      }
      return options.load.idle_w + options.load.cpu_w * load.busy(from_us, to_us);
    },
    poll() {
      const used = readCpu?.();
      if (used !== undefined) load.reading(used, options.worldTime(process.hrtime.bigint()));
      else if (readCpu !== undefined) load.end(0);
    },
    async stop() {
      stopped = true;
      const running = agent;
      cut();
      await running?.stop();
      console.end();
    },
  };
}
