import { monitoringConverter, monitoringPins } from "@mltb/hardware";
import { GPIOPinState, type RP2040, Simulator } from "rp2040js";
import type { MonitoringElectronics } from "../boards/monitoring.ts";
import type { BoardEnd } from "../link/memory.ts";
import { type Ads131m08, createAds131m08 } from "../parts/ads131m08.ts";
import { createFlash, type Flash } from "../parts/w25q16.ts";
import { addSniffer } from "./rp2040-dma.ts";
import { attachFlash, type FlashBus } from "./rp2040-flash.ts";
import { attachBuses } from "./rp2040-i2c.ts";
import { attachUart } from "./rp2040-uart.ts";
import { attachUsbHost, type UsbHost } from "./rp2040-usb.ts";

const FLASH = 0x1000_0000;
/** Where an image starts: behind the 256 bytes of the second-stage loader. */
const IMAGE_OFFSET = 0x100;
/** Into a frame of the converter: ten words take 10 us at 16 MHz. */
const GLITCH_NS = 8000;
const RAM = 0x2000_0000;
/** Where the boot ROM runs the second-stage loader. */
const BOOT2_RAM = 0x2004_1f00;
/** Link and slow inputs are served at this interval; the world moves with it while the fast converter stands still. */
const SLOW_US = 1000;

export interface Rp2040Options {
  /** Flash content from the image's start address. */
  image: Uint8Array;
  /** The whole flash with its second-stage loader, in place of the image alone. */
  flash?: Uint8Array;
  electronics: MonitoringElectronics;
  link: BoardEnd;
  /** What carries the link: the UART at 921,600 baud, the serial line of its USB, or HID reports. */
  carrier?: "uart" | "cdc" | "hid";
  /** Load of every channel in the next step. */
  power_w?: () => number[];
  /** The flash chip, with what it holds from before; the image is written over it. */
  chip?: Flash | undefined;
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
  usb: UsbHost;
  /** The flash chip, and how the image treats it. */
  flash: Flash;
  flashBus: FlashBus;
  /** Stops the converter's conversions, as a broken converter or clock would; true lets them go on. */
  conversions: boolean;
  /** Damages the converter's next frames on their way to the controller. */
  damageFrames(count: number): void;
  /** The next conversions of this number give a second edge of /DRDY while their frame is under way, as noise would. */
  glitches: number;
  /**
   * Replaces a half word of flash until the next restart, and gives the one before: `b .` (0xe7fe) is an endless loop where
   * a function begins.
   */
  patch(address: number, halfword: number): number;
  /** Overwrites a word of RAM. */
  poke(address: number, word: number): void;
  /** Restarts the controller: its memory and its pins lose their state, the board's parts keep theirs. */
  restart(): void;
  /** The supply fails and comes back: the controller and the parts begin anew. */
  powerCycle(): void;
}

/**
 * Boots the image as the chip's boot ROM does where `flash` holds the second-stage loader: its 256 bytes are copied to the
 * end of RAM and run there. With the image alone, the vector table is taken from its start.
 */
export function createRp2040Board(options: Rp2040Options): Rp2040Board {
  const { electronics, link } = options;
  const { clock, rp2040: chip } = new Simulator();
  const counters = {
    restarts: 0,
    get uart_overflows() {
      return uart.overflows();
    },
  };
  const unmodelled = new Set<string>();
  const warn = (component: string, message: string): void => void unmodelled.add(`${component}: ${message}`);
  chip.logger = { debug: () => undefined, info: () => undefined, warn, error: warn };
  let executed = 0;
  let busy_ns = 0;
  let since_ns = 0;
  let debug = "";
  const faults = { conversions: true, glitches: 0 };

  const flash = options.chip ?? createFlash(1);
  if (options.flash !== undefined) flash.bytes.set(options.flash);
  else flash.bytes.set(options.image, IMAGE_OFFSET);
  const flashBus = attachFlash(chip, flash, () => clock.nanos / 1000);
  let powerCut = false;
  flash.onCut = () => {
    powerCut = true;
  };

  function start(): void {
    const { core } = chip;
    chip.reset();
    flashBus.reset();
    buses.reset();
    stopWatchdog(chip);
    uart.reset();
    usb.unplug();
    if (options.flash !== undefined) {
      chip.sram.set(options.flash.subarray(0, IMAGE_OFFSET), BOOT2_RAM - RAM);
      core.PC = BOOT2_RAM;
    } else {
      core.VTOR = FLASH + IMAGE_OFFSET;
      core.SP = chip.readUint32(core.VTOR);
      core.PC = chip.readUint32(core.VTOR + 4) & ~1;
    }
    core.waiting = false;
    core.pendingInterrupts = 0;
    core.enabledInterrupts = 0;
    core.PM = false;
    core.IPSR = 0;
  }

  function powerCycle(): void {
    electronics.powerCycle();
    converter.powerUp();
    start();
  }

  attachPins(chip, electronics);
  const buses = attachBuses(chip, clock, electronics);
  const converter = createAds131m08();
  attachConverter(chip, clock, converter);
  addSniffer(chip);
  const carrier = options.carrier ?? "uart";
  const usb = attachUsbHost(chip, clock);
  const uart = attachUart(chip, clock, chip.uart[1] as RP2040["uart"][0], (byte) => {
    if (carrier === "uart") link.write(String.fromCharCode(byte));
  });
  if (carrier === "cdc") usb.onCdc = (bytes) => link.write(bytes);
  if (carrier === "hid") usb.onHid = (report) => link.write(Buffer.from(report).toString("latin1"));
  (chip.uart[0] as RP2040["uart"][0]).onByte = (byte) => {
    if (byte !== 10) debug += String.fromCharCode(byte);
    else {
      options.onDebug?.(debug);
      debug = "";
    }
  };
  const drdy = chip.gpio[monitoringConverter.pins.drdy];
  let slow_us = 0;
  let step_us = SLOW_US;
  const glitch = clock.createAlarm(() => {
    drdy?.setInputValue(true);
    drdy?.setInputValue(false);
  });
  const world = clock.createAlarm(() => {
    electronics.step(step_us, options.power_w?.() ?? []);
    slow_us += step_us;
    converter.clkin_hz = clockOutput_hz(chip);
    const period_us = converter.period_us();
    if (period_us !== undefined && step_us === period_us && faults.conversions) {
      converter.convert(electronics.fastInputs_v());
      // A conversion that nobody fetched shows a short high before the next edge.
      drdy?.setInputValue(true);
      drdy?.setInputValue(false);
      if (faults.glitches > 0) {
        faults.glitches -= 1;
        glitch.schedule(GLITCH_NS);
      }
    }
    // The world moves with the conversions while the converter runs.
    step_us = period_us ?? SLOW_US;
    world.schedule(step_us * 1000);
    if (slow_us < SLOW_US) return;
    slow_us = 0;
    buses.levels();
    for (const use of monitoringPins) {
      if (use.direction !== "in" || use.pin === monitoringConverter.pins.drdy) continue;
      chip.gpio[use.pin]?.setInputValue(electronics.hal.gpio_read(use.pin) === 1);
    }
    const bytes = link.take();
    if (bytes === undefined) return;
    if (carrier === "cdc") usb.cdc(bytes);
    else if (carrier === "hid") for (const report of reports(bytes)) usb.hid(report);
    else uart.receive(bytes);
  });
  world.schedule(step_us * 1000);
  const alert = chip.gpio[electronics.board.alert_pin];
  electronics.onAlert = () => alert?.setInputValue(electronics.alert() === 1);
  electronics.onMarker = (pin, level, at_us) => {
    const edge = clock.createAlarm(() => chip.gpio[pin]?.setInputValue(level === 1));
    edge.schedule(Math.max(0, at_us * 1000 - clock.nanos));
  };
  watchdogOf(chip).onWatchdogTrigger = () => {
    counters.restarts += 1;
    restarting = true;
    // The emulator's timer would fire again at once, and for ever.
    stopWatchdog(chip);
  };
  let restarting = false;
  start();

  return {
    get conversions() {
      return faults.conversions;
    },
    set conversions(on) {
      faults.conversions = on;
    },
    damageFrames(count) {
      converter.damage += count;
    },
    get glitches() {
      return faults.glitches;
    },
    set glitches(count) {
      faults.glitches = count;
    },
    patch(address, halfword) {
      const flash = new DataView(chip.flash.buffer);
      const before = flash.getUint16(address - FLASH, true);
      flash.setUint16(address - FLASH, halfword, true);
      return before;
    },
    poke: (address, word) => chip.writeUint32(address, word),
    counters,
    usb,
    flash,
    flashBus,
    unmodelled,
    now_us: () => clock.nanos / 1000,
    instructions: () => executed,
    restart: start,
    powerCycle,
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
        const ns = (cycles * 1e9) / chip.clkSys;
        busy_ns += ns;
        clock.tick(ns);
        if (powerCut) {
          powerCut = false;
          powerCycle();
        }
        if (!restarting) continue;
        restarting = false;
        const { reason } = watchdogOf(chip);
        start();
        watchdogOf(chip).reason = reason;
      }
    },
  };
}

/** Bytes as HID reports of 64, the last one padded with delimiters. */
function reports(bytes: string): Uint8Array[] {
  const list: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += 64) {
    const report = new Uint8Array(64);
    report.set(Buffer.from(bytes.slice(at, at + 64), "latin1"));
    list.push(report);
  }
  return list;
}

/** Part of the emulator that its types keep private. */
interface Watchdog {
  onWatchdogTrigger: () => void;
  reason: number;
  enable: boolean;
  timer: { enable: boolean };
  alarm: { enable: boolean };
}

function stopWatchdog(chip: RP2040): void {
  const watchdog = watchdogOf(chip);
  watchdog.enable = false;
  watchdog.timer.enable = false;
  watchdog.alarm.enable = false;
}

function watchdogOf(chip: RP2040): Watchdog {
  return chip.peripherals[0x40058] as unknown as Watchdog;
}

/** Frequency that clock output 0 gives, from its registers: source 6 is the system clock. */
function clockOutput_hz(chip: RP2040): number {
  const control = chip.readUint32(0x40008000);
  const divider = chip.readUint32(0x40008004) / 256;
  return (control & (1 << 11)) !== 0 && ((control >> 5) & 15) === 6 ? chip.clkSys / divider : 0;
}

/** SPI words take their time on the wire; the block's own select falls with the first word and rises when none follows. */
function attachConverter(chip: RP2040, clock: Simulator["clock"], converter: Ads131m08): void {
  const spi = chip.spi[monitoringConverter.spi];
  if (spi === undefined) return;
  let selected = false;
  let reply = 0;
  let next = false;
  const done = clock.createAlarm(() => {
    next = false;
    spi.completeTransmit(reply);
    if (next) return;
    selected = false;
    converter.deselect();
  });
  spi.onTransmit = (value) => {
    next = true;
    if (!selected) {
      selected = true;
      converter.select();
      chip.gpio[monitoringConverter.pins.drdy]?.setInputValue(true);
    }
    reply = converter.exchange(value, spi.dataBits);
    done.schedule((spi.dataBits * 1e9) / spi.clockFrequency);
  };
}

function attachPins(chip: RP2040, electronics: MonitoringElectronics): void {
  for (const use of monitoringPins) {
    const pin = chip.gpio[use.pin];
    if (use.direction === "out") {
      pin?.addListener((state) => electronics.hal.gpio_write(use.pin, state === GPIOPinState.High ? 1 : 0));
    }
  }
  // The buttons' pull-ups are on the board.
  for (const pin of Object.values(electronics.board.buttons)) electronics.hal.gpio_mode(pin, 2);
}
