import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { floorBoard, floorMachines } from "@mltb/hardware";
import { createRail, defaultRail, type Rail } from "../world/rail.ts";
import { writeMemory } from "./gdb.ts";
import { connectQmp, type Qmp } from "./qmp.ts";

export type QemuMachine = keyof typeof floorMachines;

/** How QEMU names a machine, the bus of its monitors, and how a pin is read. */
const machines: Record<QemuMachine, { machine: string; bus: string; levels(qmp: Qmp): Promise<number[]> }> = {
  ast1030: {
    machine: "ast1030-evb",
    bus: `aspeed.i2c.bus.${floorBoard.monitor_bus}`,
    async levels(qmp) {
      const read = ({ port, bit }: { port: string; bit: number }): Promise<unknown> =>
        qmp.execute("qom-get", { path: "/machine/soc/gpio", property: `gpio${port}${bit}` });
      return (await Promise.all(floorMachines.ast1030.pins.map(read))).map(Number);
    },
  },
  lm3s6965: {
    machine: "lm3s6965evb",
    bus: "i2c",
    // Port D; the last of the address bits select all pins. A pin that is not an output reads 0.
    async levels(qmp) {
      const [, word = "0"] = /: (0x[0-9a-f]+)/.exec(await qmp.monitor("xp /1wx 0x400073fc")) ?? [];
      return floorMachines.lm3s6965.pins.map(({ bit }) => (Number(word) >> bit) & 1);
    },
  },
};

/** The pins are read, and the physics moved, at this interval of the host's clock. */
const POLL_MS = 2;
const WORLD_STEP_S = 0.001;
/** After a stall of this process no more than this is made up in one go. */
const CATCH_UP_S = 0.2;
/** A poll that comes this late is counted: the board may have seen a rail that did not move in time. */
const STALL_S = 0.1;

export interface QemuBoardOptions {
  machine: QemuMachine;
  /** The image without headers, as it lies in the machine's memory from 0. */
  image: string;
  /** Where the pseudo-terminal of the machine's UART is linked; anew at every start, as a port that was plugged in again. */
  link?: string;
  /** Load of every channel. */
  power_w?: (rails: Rail[]) => number[];
  /** Channels without their monitor, from 1. */
  withoutMonitors?: number[];
}

/** The floor image in a QEMU of its own, with rails behind its pins. Time is the host's. */
export interface QemuBoard {
  link: string;
  rails: Rail[];
  /** Levels of the board's pins as they were read last. */
  pins(): number[];
  /** Told of a change of the pins, with the time of the poll that saw it. */
  onPins?: (at_us: number) => void;
  now_us(): number;
  /** `stalls`: polls of the pins that came more than 100 ms late, because this machine was busy. */
  counters: { starts: number; resets: number; watchdogs: number; stalls: number };
  /** Lines that the image has written to its debug transmitter since the machine's start. */
  debug(): string[];
  /** Temperature at the sensor. */
  temperature(millidegrees: number): Promise<void>;
  /** The machine stands still, and goes on; its UART's port stays open. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Pulls the machine's reset line. */
  reset(): Promise<void>;
  /** Overwrites a half word of code until the next reset. */
  patch(address: number, halfword: number): Promise<void>;
  /** Ends the emulator without warning; its port vanishes, its pins float and the switches open. */
  kill(): Promise<void>;
  /** Starts an emulator again after `kill`. */
  start(): Promise<void>;
  close(): Promise<void>;
}

/** Packages without which no QEMU board runs; empty when it can. */
export function missingQemuPackages(): string[] {
  return spawnSync("qemu-system-arm", ["--version"], { stdio: "ignore" }).error === undefined
    ? []
    : ["qemu-system-arm"];
}

const monitorPath = (index: number): string => `/machine/peripheral/monitor${index}`;

/** Starts the emulator and the world around it. */
export async function createQemuBoard(options: QemuBoardOptions): Promise<QemuBoard> {
  const { machine, bus, levels } = machines[options.machine];
  const { channels } = floorBoard;
  const folder = mkdtempSync(join(tmpdir(), "mltb-qemu-"));
  const link = options.link ?? join(folder, "uart");
  const there = channels.map(({ number }) => !(options.withoutMonitors ?? []).includes(number));
  const rails = channels.map((_, n) => createRail(defaultRail, n));
  const counters = { starts: 0, resets: 0, watchdogs: 0, stalls: 0 };
  const origin = performance.now();
  let child: ChildProcess | undefined;
  let qmp: Qmp | undefined;
  let pins: number[] = floorBoard.channels.flatMap(() => [0, 0, 0]);
  /** What each monitor was told last: millivolts and milliamperes. */
  let told: [number, number][] = [];
  /** Addresses in the image that hold something else until the next reset. */
  const patched: number[] = [];
  let closed = false;

  const devices = channels.flatMap(({ monitor_address }, n) =>
    there[n] ? ["-device", `adm1272,bus=${bus},address=${monitor_address},id=monitor${n}`] : [],
  );
  const file = (name: string): string => join(folder, `${name}${counters.starts}`);

  async function start(): Promise<void> {
    counters.starts += 1;
    child = spawn(
      "qemu-system-arm",
      [
        ...["-M", machine, "-nodefaults", "-display", "none", "-monitor", "none", "-kernel", options.image],
        ...["-serial", "pty", "-serial", `file:${file("debug")}`],
        ...["-qmp", `unix:${file("qmp")},server=on,wait=off`, "-gdb", `unix:${file("gdb")},server=on,wait=off`],
        ...["-device", `tmp105,bus=${bus},address=${floorBoard.thermometer_address},id=thermometer`],
        ...devices,
        // Nothing runs before the monitors have values and the port has its name.
        "-S",
      ],
      { stdio: "ignore" },
    );
    told = [];
    const mine = await connectQmp(file("qmp"), (event) => {
      if (event === "WATCHDOG") counters.watchdogs += 1;
      if (event !== "RESET") return;
      counters.resets += 1;
      // The monitors came out of reset with values of their own.
      told = [];
      // Flash keeps what a debugger wrote into it.
      const healing = patched.splice(0).map((address) => {
        const image = readFileSync(options.image);
        return writeMemory(file("gdb"), address, image.subarray(address, address + 2));
      });
      Promise.all(healing).catch((error: Error) => process.emitWarning(`the image was not restored: ${error.message}`));
    });
    const ports = (await mine.execute("query-chardev")) as { label: string; filename: string }[];
    const port = ports.find(({ label }) => label === "serial0")?.filename.replace("pty:", "") ?? "";
    rmSync(`${link}.new`, { force: true });
    symlinkSync(port, `${link}.new`);
    renameSync(`${link}.new`, link);
    qmp = mine;
    await tell(mine);
    await mine.execute("cont");
  }

  /** Gives the monitors what the rails have, where it has changed. */
  async function tell(to: Qmp): Promise<void> {
    const wishes: Promise<unknown>[] = [];
    for (const [n, rail] of rails.entries()) {
      if (!there[n]) continue;
      const before = told[n];
      const now: [number, number] = [Math.round(rail.voltage_v * 1000), Math.round(rail.current_a * 1000)];
      const set = (property: string, value: number): void => {
        wishes.push(to.execute("qom-set", { path: monitorPath(n), property, value }));
      };
      if (before === undefined) set("vin", Math.round(defaultRail.supply_v * 1000));
      if (before?.[0] !== now[0]) set("vout", now[0]);
      if (before?.[1] !== now[1]) set("iout", now[1]);
      told[n] = now;
    }
    await Promise.all(wishes);
  }

  function apply(next: number[]): void {
    const changed = next.some((level, n) => level !== pins[n]);
    pins = next;
    for (const [n, { switch_pin, discharge_pin }] of channels.entries()) {
      const rail = rails[n] as Rail;
      rail.switchOn = next[switch_pin] === 1;
      rail.discharge = next[discharge_pin] === 1;
    }
    if (changed) board.onPins?.(board.now_us());
  }

  async function world(): Promise<void> {
    let at = performance.now();
    while (!closed) {
      const to = qmp;
      try {
        if (to !== undefined) apply(await levels(to));
        const late = (performance.now() - at) / 1000;
        const behind = Math.min(CATCH_UP_S, late);
        if (late > STALL_S) counters.stalls += 1;
        const power = options.power_w?.(rails) ?? [];
        const steps = Math.floor(behind / WORLD_STEP_S);
        for (let step = 0; step < steps; step += 1) {
          for (const [n, rail] of rails.entries()) rail.step(WORLD_STEP_S, power[n] ?? 0);
        }
        at = behind < CATCH_UP_S ? at + steps * WORLD_STEP_S * 1000 : performance.now();
        if (to !== undefined) await tell(to);
      } catch (error) {
        // An emulator that was killed answers no more; anything else is a fault of this runner.
        if (to === qmp && !closed) throw error;
      }
      await sleep(POLL_MS);
    }
  }

  const live = (): Qmp => {
    if (qmp === undefined) throw new Error("the emulator is not running");
    return qmp;
  };
  const board: QemuBoard = {
    link,
    rails,
    pins: () => pins,
    now_us: () => Math.floor((performance.now() - origin) * 1000),
    counters,
    debug: () =>
      readFileSync(file("debug"), "latin1")
        .split("\n")
        .filter((line) => line !== ""),
    async temperature(millidegrees) {
      const path = "/machine/peripheral/thermometer";
      await live().execute("qom-set", { path, property: "temperature", value: millidegrees });
    },
    pause: async () => void (await live().execute("stop")),
    resume: async () => void (await live().execute("cont")),
    reset: async () => void (await live().execute("system_reset")),
    async patch(address, halfword) {
      patched.push(address);
      await writeMemory(file("gdb"), address, Uint8Array.of(halfword & 255, halfword >> 8));
    },
    async kill() {
      const before = child;
      const talk = qmp;
      qmp = undefined;
      child = undefined;
      talk?.close();
      const gone = new Promise<void>((resolve) => before?.once("exit", () => resolve()));
      if (before?.kill("SIGKILL") === true) await gone;
      apply(pins.map(() => 0));
    },
    start,
    async close() {
      closed = true;
      await board.kill();
      await looping;
      process.removeListener("exit", endChild);
      rmSync(link, { force: true });
      rmSync(folder, { recursive: true, force: true });
    },
  };
  const endChild = (): void => void child?.kill("SIGKILL");
  process.once("exit", endChild);
  await start();
  const looping = world();
  return board;
}
