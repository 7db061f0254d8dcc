import { GPIOPinState, type RP2040, Simulator } from "rp2040js";
import type { MonitoringElectronics } from "../boards/monitoring.ts";
import type { BoardEnd } from "../link/memory.ts";

const FLASH = 0x1000_0000;
/** Where an image starts: behind the 256 bytes of the second-stage loader. */
const IMAGE_OFFSET = 0x100;
const CYCLE_NS = 8;
/** One character of ten bits at 921,600 baud. */
const CHARACTER_NS = 10_851;
const UART_FIFO = 32;
const STEP_US = 1000;

export interface Rp2040Options {
  /** Flash content from the image's start address. */
  image: Uint8Array;
  electronics: MonitoringElectronics;
  link: BoardEnd;
  /** Load of every channel in the next step. */
  power_w?: () => number[];
  /** Lines that the image writes to its debug transmitter. */
  onDebug?: (line: string) => void;
}

/** The real image on an emulated RP2040, with the board's parts on its pins and buses. Time is its own. */
export interface Rp2040Board {
  /** Runs until this much time has passed on the chip. */
  run(us: number): void;
  now_us(): number;
  /** Share of the time in which the core did not sleep, since the last call. */
  load(): number;
  /** Instructions executed so far. */
  instructions(): number;
  /** Registers that the image uses and the emulator does not model, as the emulator's warnings name them. */
  unmodelled: Set<string>;
  counters: { restarts: number; uart_overflows: number };
  /** Power-cycles the controller; its memory and its pins lose their state, the board's parts keep theirs. */
  restart(): void;
}

/** Boots the image; the first-stage loader is left out: the vector table is taken from the image's start. */
export function createRp2040Board(options: Rp2040Options): Rp2040Board {
  const { electronics, link } = options;
  const { clock, rp2040: chip } = new Simulator();
  const counters = { restarts: 0, uart_overflows: 0 };
  const unmodelled = new Set<string>();
  const warn = (component: string, message: string): void => void unmodelled.add(`${component}: ${message}`);
  chip.logger = { debug: () => undefined, info: () => undefined, warn, error: warn };
  let executed = 0;
  let busy_ns = 0;
  let since_ns = 0;
  let debug = "";

  function start(): void {
    const { core } = chip;
    chip.reset();
    chip.flash.set(options.image, IMAGE_OFFSET);
    core.VTOR = FLASH + IMAGE_OFFSET;
    core.SP = chip.readUint32(core.VTOR);
    core.PC = chip.readUint32(core.VTOR + 4) & ~1;
    core.waiting = false;
    core.pendingInterrupts = 0;
    core.enabledInterrupts = 0;
    core.PM = false;
    core.IPSR = 0;
  }

  attachPins(chip, electronics);
  attachBuses(chip, clock, electronics);
  const uart = chip.uart[0] as (typeof chip.uart)[0];
  let pending = "";
  uart.onByte = (byte) => link.write(String.fromCharCode(byte));
  (chip.uart[1] as typeof uart).onByte = (byte) => {
    if (byte !== 10) debug += String.fromCharCode(byte);
    else {
      options.onDebug?.(debug);
      debug = "";
    }
  };
  const character = clock.createAlarm(() => {
    if (pending.length === 0) return;
    // The model's FIFO throws the byte away when it is full, as the part does.
    if (fifoOf(uart).itemCount === UART_FIFO) counters.uart_overflows += 1;
    uart.feedByte(pending.charCodeAt(0));
    pending = pending.slice(1);
    if (pending.length > 0) character.schedule(CHARACTER_NS);
  });
  const world = clock.createAlarm(() => {
    world.schedule(STEP_US * 1000);
    electronics.step(STEP_US, options.power_w?.() ?? []);
    for (const use of electronics.board.pins) {
      if (use.direction === "in") chip.gpio[use.pin]?.setInputValue(electronics.hal.gpio_read(use.pin) === 1);
    }
    const bytes = link.take();
    if (bytes === undefined) return;
    if (pending === "") character.schedule(CHARACTER_NS);
    pending += bytes;
  });
  world.schedule(STEP_US * 1000);
  watchdogOf(chip).onWatchdogTrigger = () => {
    counters.restarts += 1;
    restarting = true;
  };
  let restarting = false;
  start();

  return {
    counters,
    unmodelled,
    now_us: () => clock.nanos / 1000,
    instructions: () => executed,
    restart: start,
    load() {
      const share = busy_ns / Math.max(1, clock.nanos - since_ns);
      busy_ns = 0;
      since_ns = clock.nanos;
      return share;
    },
    run(us) {
      const until = clock.nanos + us * 1000;
      const { core } = chip;
      while (clock.nanos < until) {
        if (core.waiting) {
          // rp2040js wakes only on a new edge: an interrupt that was pending before WFI must wake too (ARMv6-M B1.5.19).
          if ((core.pendingInterrupts & core.enabledInterrupts) !== 0 || core.pendingSystick) {
            core.checkForInterrupts();
            core.waiting = false;
          } else clock.tick(Math.min(clock.nanosToNextAlarm, until - clock.nanos));
          continue;
        }
        const cycles = core.executeInstruction();
        executed += 1;
        busy_ns += cycles * CYCLE_NS;
        clock.tick(cycles * CYCLE_NS);
        if (!restarting) continue;
        restarting = false;
        const { reason } = watchdogOf(chip);
        start();
        watchdogOf(chip).reason = reason;
      }
    },
  };
}

/** Parts of the emulator that its types keep private. */
function fifoOf(uart: RP2040["uart"][0]): { itemCount: number } {
  return (uart as unknown as { rxFIFO: { itemCount: number } }).rxFIFO;
}

interface Watchdog {
  onWatchdogTrigger: () => void;
  reason: number;
}

function watchdogOf(chip: RP2040): Watchdog {
  return chip.peripherals[0x40058] as unknown as Watchdog;
}

function attachPins(chip: RP2040, electronics: MonitoringElectronics): void {
  for (const use of electronics.board.pins) {
    const pin = chip.gpio[use.pin];
    if (use.direction === "out") {
      pin?.addListener((state) => electronics.hal.gpio_write(use.pin, state === GPIOPinState.High ? 1 : 0));
    }
  }
  // The buttons' pull-ups are on the board.
  for (const pin of Object.values(electronics.board.buttons)) electronics.hal.gpio_mode(pin, 2);
}

function attachBuses(chip: RP2040, clock: Simulator["clock"], electronics: MonitoringElectronics): void {
  for (const [n, bus] of electronics.buses.entries()) {
    const master = chip.i2c[n];
    if (master === undefined) continue;
    let part: ReturnType<typeof bus.parts.get>;
    const now_us = (): number => clock.nanos / 1000;
    /** Runs `then` after the time of one byte on the wire. */
    const afterByte = (then: () => void): void => clock.createAlarm(then).schedule(bus.byte_us * 1000);
    master.onConnect = (address, mode) =>
      afterByte(() => {
        part = bus.parts.get(address);
        master.completeConnect(part?.addressed(mode === 1, now_us()) ?? false);
      });
    master.onWriteByte = (value) => afterByte(() => master.completeWrite(part?.writeByte(value, now_us()) ?? false));
    master.onReadByte = () => afterByte(() => master.completeRead(part?.readByte(now_us()) ?? 0xff));
  }
}
