import type { Readable } from "node:stream";
import type { AgentLauncher } from "@mltb/agent-kit";
import { HEADER_BYTES } from "@mltb/protocol";
import { createMonitoringElectronics, type MonitoringElectronics } from "./boards/monitoring.ts";
import { type BoardEnd, type ByteTransport, createMemoryLink } from "./link/memory.ts";
import { createFlash, type Flash } from "./parts/w25q16.ts";
import type { CDeframer } from "./runtime/c-codec.ts";
import { createFlashHal } from "./runtime/flash-hal.ts";
import { createLuaBoard, type LuaBoard, LuaBoardError, type LuaBoardOptions } from "./runtime/lua-vm.ts";
import type { NodeHal } from "./runtime/node-hal.ts";
import { type Computer, createComputer, type LoadModel } from "./targets/computer.ts";
import { defaultRail, type RailModel } from "./world/rail.ts";

/** The world runs this far behind the real clock, so that readings and edges land on the time they happened. */
const LAG_US = 30_000;
const STEP_US = 1000;
const TIMER_MS = 3;
/** The controller's own watchdog, and the causes of a restart as the HAL names them. */
const CONTROLLER_WATCHDOG_US = 450_000;
const POWER_CAUSE = 0;
const WATCHDOG_CAUSE = 1;
const SOFTWARE_CAUSE = 2;
const EXCHANGE_CAUSE = 4;
/** A start that ended sooner has failed; after so many in a row the image's own bundle runs. */
const LIVES_US = 10_000_000;
const STARTS_FAILED = 3;
/** After a stall of the process at most this much world time is made up in one go; the rest is skipped and counted. */
const CATCH_UP_US = 2_000_000;

export interface SimulatedTarget {
  name: string;
  channel: number;
  load: LoadModel;
  rail?: Partial<RailModel>;
  boot?: { duration_ms: number; lines: string[] };
  launcher?: AgentLauncher;
}

export interface RackOptions {
  rack: string;
  serial: string;
  bundle: string;
  targets: SimulatedTarget[];
  seed: number;
  /** `real`: `start` follows the system's clock. `virtual`: only `advance` moves time. */
  clock: "real" | "virtual";
  /** The Lua that runs the bundle, see `LuaBoardOptions`. */
  lua?: LuaBoardOptions["lua"];
  /** Deframes in front of the bundle, as the C port of an image does; without it the bundle gets bytes. */
  deframer?: CDeframer;
  /** What the bundle is given in place of this runtime's functions, for bundles of other times. */
  hal?: (hal: NodeHal) => NodeHal;
  /** Board end of another carrier; memory where none is given. */
  carrier?: BoardEnd;
  /** The board's flash, with what it holds from before. */
  flash?: Flash;
}

/** A rack with one monitoring board that runs the real bundle, its front panel, and the targets behind its channels. */
export interface SimulatedRack {
  transport: ByteTransport;
  electronics: MonitoringElectronics;
  board: LuaBoard;
  flash: Flash;
  computers: Map<string, Computer>;
  channelOf(target: string): number | undefined;
  console(target: string): Readable | undefined;
  start(): void;
  /** Moves virtual time. */
  advance(ms: number): void;
  /** Holds a front-panel button down for a time of the world. */
  press(button: "up" | "down" | "select" | "stop", ms: number): void;
  /** Pulls the board's cable, and plugs it in again. */
  cutLink(): void;
  restoreLink(): void;
  /** The firmware stops making progress; the watchdog restarts the controller after its time. */
  hang(): void;
  /** Restarts the controller; the board's parts keep their state. */
  restart(): Promise<void>;
  /** The supply fails and comes back: the controller and the parts begin anew. */
  powerCycle(): Promise<void>;
  counters: { late_edges: number; skipped_us: number /** Bundles that gave way, and why. */; given_way: string[] };
  stop(): Promise<void>;
}

let starts = 0;

/** A deframer's counters in the order of the HAL's `link_faults`. */
function faultsOf(deframer: CDeframer): number[] {
  const { good, crc, cobs, short, length, kind, major, oversize, skipped_bytes } = deframer.counters();
  return [good, crc, cobs + short + length + kind + major, oversize, skipped_bytes];
}

export async function createSimulatedRack(options: RackOptions): Promise<SimulatedRack> {
  const byChannel = new Map(options.targets.map((target) => [target.channel, target]));
  const models = Array.from({ length: 8 }, (_, n) => ({ ...defaultRail, ...byChannel.get(n + 1)?.rail }));
  const electronics = createMonitoringElectronics(options.seed, models);
  const link = createMemoryLink(`memory:${options.rack}`);
  const end = options.carrier ?? link.board;
  const counters: SimulatedRack["counters"] = { late_edges: 0, skipped_us: 0, given_way: [] };
  const releases: { at_us: number; release: () => void }[] = [];
  const edges: { channel: number; level: 0 | 1; at_us: number }[] = [];
  let origin_ns = 0n;
  let timer: NodeJS.Timeout | undefined;
  let next_us = 0;
  let started_us = 0;

  const worldTime = (at_ns: bigint): number => Number(at_ns - origin_ns) / 1000;

  starts += 1;
  let epoch = (options.seed * 257 + starts * 7919 + (process.pid & 0xffff)) & 0xffff;
  let resetCause = 0;
  const flash = options.flash ?? createFlash(options.seed);
  let exchange = false;
  let failed = 0;
  let lived_us = Number.NEGATIVE_INFINITY;
  let gaveWay = "";
  let crashed = false;
  /** A bundle on trial has failed. */
  function giveWay(reason: string): void {
    gaveWay = reason;
    counters.given_way.push(reason);
  }
  const own = createFlashHal(
    flash,
    options.bundle,
    () => Math.max(electronics.cpu_us(), electronics.now_us()),
    electronics.hal.delay_us,
    () => {
      exchange = true;
    },
    () => {
      const reason = gaveWay;
      gaveWay = "";
      return reason;
    },
  );
  const start = (bundle: string, kept: string): Promise<LuaBoard> =>
    createLuaBoard({
      bundle,
      kept,
      lua: options.lua,
      hal: (options.hal ?? ((hal) => hal))({
        ...electronics.hal,
        ...own.hal,
        serial: () => options.serial,
        epoch: () => epoch,
        reset_cause: () => resetCause,
        link_write: (bytes: string) => void (own.powerFailed() || end.write(bytes)),
        link_room: () => end.room(),
        ...(options.deframer === undefined ? {} : { link_faults: () => faultsOf(options.deframer as CDeframer) }),
        counters: () => [
          end.dropped?.received ?? 0,
          0,
          end.dropped?.sent ?? 0,
          0,
          0,
          electronics.dropped.trips,
          electronics.dropped.edges,
          electronics.busCounts.failed,
          electronics.busCounts.recovered,
          electronics.busCounts.stuck,
        ],
        heap_bytes: (): number => heap(),
      }),
    });
  /** The newest bundle that boots: one on trial that does not gives way to the one before. */
  async function boot(kept = ""): Promise<LuaBoard> {
    while (true) {
      own.powerUp();
      // A start that did not live long counts, whatever ended it; an exchange on purpose does not.
      failed = electronics.now_us() - lived_us < LIVES_US ? failed + 1 : 0;
      lived_us = electronics.now_us();
      try {
        return await start(own.slots.choose(failed >= STARTS_FAILED), kept);
      } catch (error) {
        // The power may fail again while the choice is being written down.
        if (own.powerFailed()) {
          electronics.powerCycle();
          continue;
        }
        const [slot, trial_ms] = own.slots.running();
        if (!(error instanceof LuaBoardError) || slot === 0) throw error;
        if (trial_ms < 0) resetCause = SOFTWARE_CAUSE;
        giveWay(error.message);
      }
    }
  }
  function heap(): number {
    return board?.heap().used_bytes ?? 0;
  }
  let board: LuaBoard | undefined;
  board = await boot();
  /** When the firmware stopped making progress. */
  let hung_us: number | undefined;
  let boots = 0;

  /** A new Lua state on the same electronics: what was in memory is gone, what is latched outside stays. */
  async function restart(cause: number, kept = ""): Promise<void> {
    const before = board;
    board = undefined;
    boots += 1;
    const mine = boots;
    before?.close();
    epoch = (epoch + 1) & 0xffff;
    resetCause = cause;
    exchange = false;
    crashed = false;
    electronics.hal.sampler_stop?.();
    if (cause !== EXCHANGE_CAUSE) electronics.hal.sampler_keep?.(false);
    end.take();
    hung_us = undefined;
    next_us = 0;
    started_us = electronics.now_us();
    const booted = await boot(kept);
    if (mine === boots) board = booted;
    else booted.close();
  }

  /** A board that cannot start at all stays dark; the rest of the bay goes on. */
  function begin(cause: number, kept = ""): void {
    restart(cause, kept).catch((error: Error) => giveWay(error.message));
  }

  /** Calls the firmware. An error that it lets out ends a bundle on trial, and restarts the controller with any other. */
  function run<T>(call: (board: LuaBoard) => T): T | undefined {
    try {
      return call(board as LuaBoard);
    } catch (error) {
      if (!(error instanceof LuaBoardError)) throw error;
      // No error of the bundle, which ends with its power.
      if (own.powerFailed()) return undefined;
      giveWay(error.message);
      if (own.slots.running()[1] < 0) crashed = true;
      else exchange = true;
      return undefined;
    }
  }

  /** True where the controller has begun anew: after a power cut, or because another bundle is to run. */
  function begunAnew(): boolean {
    if (own.powerFailed()) {
      electronics.powerCycle();
      begin(POWER_CAUSE);
      return true;
    }
    if (crashed) {
      begin(SOFTWARE_CAUSE);
      return true;
    }
    if (own.slots.overdue()) {
      giveWay("not confirmed in time");
      exchange = true;
    }
    if (!exchange) return false;
    const kept = run((running) => running.keep()) ?? "";
    lived_us = Number.NEGATIVE_INFINITY;
    begin(EXCHANGE_CAUSE, kept);
    return true;
  }

  const computers = new Map<string, Computer>();
  const slots: (Computer | undefined)[] = new Array(8).fill(undefined);
  for (const target of options.targets) {
    const computer = createComputer({
      name: target.name,
      load: target.load,
      boot: target.boot ?? { duration_ms: 300, lines: bootLines(target.name) },
      launcher: target.launcher,
      worldTime,
      onMarker(level, at_us) {
        if (at_us < electronics.now_us()) counters.late_edges += 1;
        edges.push({ channel: target.channel, level, at_us });
      },
    });
    computers.set(target.name, computer);
    slots[target.channel - 1] = computer;
  }

  /** Bytes of the link to the bundle, or the frames in them where C deframes. */
  function receive(running: LuaBoard, bytes: string, now_ms: number): void {
    if (options.deframer === undefined) {
      running.rx(bytes, now_ms);
      return;
    }
    for (const plain of options.deframer.rx(bytes)) {
      const [first, seq, ack, credit, id, tag] = Buffer.from(plain.slice(0, HEADER_BYTES), "latin1");
      const fields = [(first ?? 0) & 15, seq ?? 0, ack ?? 0, credit ?? 0, id ?? 0, tag ?? 0] as const;
      running.frame(...fields, plain.slice(HEADER_BYTES), now_ms);
    }
  }

  function step(): void {
    const from = electronics.now_us();
    const to = from + STEP_US;
    while (edges[0] !== undefined && edges[0].at_us < to) {
      const edge = edges.shift() as (typeof edges)[0];
      electronics.marker(edge.channel, edge.level, Math.max(edge.at_us, from));
    }
    for (let i = releases.length - 1; i >= 0; i -= 1) {
      if ((releases[i]?.at_us ?? 0) <= from) releases.splice(i, 1)[0]?.release();
    }
    const power = slots.map((computer, n) => {
      const channel = electronics.board.channels[n];
      const rail = electronics.rails[n];
      if (computer === undefined || channel === undefined || rail === undefined) return 0;
      return computer.power(from, to, rail.voltage_v, electronics.chain.output(channel.reset_bit) === 1);
    });
    electronics.step(STEP_US, power);
    if (hung_us !== undefined && to - hung_us >= CONTROLLER_WATCHDOG_US) begin(WATCHDOG_CAUSE);
    if (board === undefined || hung_us !== undefined) return;
    const now_ms = Math.floor((to - started_us) / 1000);
    const bytes = end.take();
    if (bytes !== undefined) {
      run((running) => receive(running, bytes, now_ms));
      if (begunAnew()) return;
      // The tick that follows every reception waits for the controller, but not for its timer.
      next_us = 0;
    }
    if (
      bytes === undefined &&
      to < next_us &&
      !electronics.sampler.full() &&
      !electronics.sweep.full() &&
      !electronics.tripped()
    )
      return;
    // A controller that a bus transfer keeps busy cannot tick before it is through.
    if (electronics.cpu_us() > to) return;
    const wait_ms = run((running) => running.tick(now_ms)) ?? 1;
    if (begunAnew()) return;
    next_us = to + Math.max(1, wait_ms) * 1000;
  }

  function follow(): void {
    for (const computer of computers.values()) computer.poll();
    const target = worldTime(process.hrtime.bigint()) - LAG_US;
    const behind = target - electronics.now_us();
    if (behind > CATCH_UP_US) {
      const skip = behind - CATCH_UP_US;
      counters.skipped_us += skip;
      origin_ns += BigInt(Math.floor(skip * 1000));
    }
    const until = worldTime(process.hrtime.bigint()) - LAG_US;
    while (electronics.now_us() + STEP_US <= until) step();
  }

  return {
    transport: link.transport,
    electronics,
    get board() {
      if (board === undefined) throw new Error("the controller is restarting");
      return board;
    },
    flash,
    cutLink: link.cut,
    restoreLink: link.restore,
    hang() {
      hung_us ??= electronics.now_us();
    },
    restart: () => restart(POWER_CAUSE),
    powerCycle() {
      electronics.powerCycle();
      return restart(POWER_CAUSE);
    },
    computers,
    counters,
    channelOf: (target) => options.targets.find((entry) => entry.name === target)?.channel,
    console: (target) => computers.get(target)?.console,
    start() {
      if (options.clock !== "real" || timer !== undefined) return;
      origin_ns = process.hrtime.bigint() - BigInt(LAG_US * 1000) - BigInt(Math.floor(electronics.now_us() * 1000));
      timer = setInterval(follow, TIMER_MS);
    },
    advance(ms) {
      for (let i = 0; i < (ms * 1000) / STEP_US; i += 1) step();
    },
    press(button, ms) {
      electronics.button(button, true);
      releases.push({ at_us: electronics.now_us() + ms * 1000, release: () => electronics.button(button, false) });
    },
    async stop() {
      clearInterval(timer);
      timer = undefined;
      await Promise.all([...computers.values()].map((computer) => computer.stop()));
      board?.close();
    },
  };
}

function bootLines(name: string): string[] {
  return [
    "simulated boot loader 1.0",
    "memory test: ok",
    `loading kernel for ${name} ...`,
    "starting system services",
    "no further services to start",
  ];
}
