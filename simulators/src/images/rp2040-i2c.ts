import { monitoringPins } from "@mltb/hardware";
import { GPIOPinState, type RP2040, type Simulator } from "rp2040js";
import type { MonitoringElectronics } from "../boards/monitoring.ts";
import type { I2cBus } from "../parts/i2c.ts";

/** The I2C masters of an emulated chip with the board's parts on them. */
export interface ChipBuses {
  /** Resets the masters, which the emulator's reset leaves out. */
  reset(): void;
  /** Puts the levels of the lines on the pins. */
  levels(): void;
}

const RESETS = 0x4000c;
/** Bit of the first master in RESETS_RESET (2.14.3). */
const RESET_I2C0 = 3;

type Master = RP2040["i2c"][0];
type Chip = RP2040;

/** The emulator leaves out the interrupt mask of its I2C masters (IC_INTR_MASK, 4.3.17). */
function maskInterrupts(master: Master): void {
  const plain = master.writeUint32.bind(master);
  master.writeUint32 = (offset, value) => {
    if (offset !== 0x30) {
      plain(offset, value);
      return;
    }
    master.intEnable = value;
    (master as unknown as { checkInterrupts(): void }).checkInterrupts();
  };
}

function resetMaster(master: Master): void {
  const inside = master as unknown as Record<string, unknown> & Record<"rxFIFO" | "txFIFO", { reset(): void }>;
  inside.rxFIFO.reset();
  inside.txFIFO.reset();
  Object.assign(inside, {
    state: 0,
    busy: false,
    stop: false,
    pendingRestart: false,
    enable: 0,
    intRaw: 0,
    intEnable: 0,
  });
}

/** A master's bytes take their time on the wire; a line that is held ends nothing. */
function connect(master: Master, bus: I2cBus, clock: Simulator["clock"]): () => void {
  maskInterrupts(master);
  let part: ReturnType<typeof bus.parts.get>;
  let then: () => void = () => undefined;
  const byte = clock.createAlarm(() => then());
  const now_us = (): number => clock.nanos / 1000;
  const afterByte = (run: () => void): void => {
    if (bus.held()) return;
    then = run;
    byte.schedule(bus.byte_us * 1000);
  };
  master.onConnect = (address, mode) =>
    afterByte(() => {
      part = bus.parts.get(address);
      master.completeConnect(part?.addressed(mode === 1, now_us()) ?? false);
    });
  master.onWriteByte = (value) => afterByte(() => master.completeWrite(part?.writeByte(value, now_us()) ?? false));
  master.onReadByte = () => afterByte(() => master.completeRead(part?.readByte(now_us()) ?? 0xff));
  master.onStop = () => {
    part?.stopped?.(now_us());
    part = undefined;
    master.completeStop();
  };
  return () => {
    byte.cancel();
    resetMaster(master);
  };
}

/** Puts the parts on the buses, and the levels of the lines on the pins, which firmware may also move by hand. */
export function attachBuses(chip: Chip, clock: Simulator["clock"], electronics: MonitoringElectronics): ChipBuses {
  const resets: (() => void)[] = [];
  const levels: (() => void)[] = [];
  for (const [n, bus] of electronics.buses.entries()) {
    const master = chip.i2c[n];
    const [sda, scl] = ["SDA", "SCL"].map(
      (line) => chip.gpio[monitoringPins.find((use) => use.function === `I2C${n} ${line}`)?.pin ?? -1],
    );
    if (master === undefined || sda === undefined || scl === undefined) throw new Error(`no pins for I2C bus ${n}`);
    resets.push(connect(master, bus, clock));
    const show = (): void => {
      sda.setInputValue(sda.value !== GPIOPinState.Low && bus.hold.sda_clocks === 0);
      scl.setInputValue(scl.value !== GPIOPinState.Low && !bus.hold.scl);
    };
    levels.push(show);
    sda.addListener(show);
    scl.addListener((state, before) => {
      // Open drain: a rising edge is a pin that lets go.
      if (before === GPIOPinState.Low && state !== GPIOPinState.Low) bus.pulse();
      show();
    });
  }
  const registers = chip.peripherals[RESETS];
  if (registers !== undefined) {
    const plain = registers.writeUint32.bind(registers);
    registers.writeUint32 = (offset, value) => {
      plain(offset, value);
      if (offset !== 0) return;
      for (const [n, reset] of resets.entries()) if (((value >> (RESET_I2C0 + n)) & 1) === 1) reset();
    };
  }
  return {
    reset() {
      for (const reset of resets) reset();
      for (const show of levels) show();
    },
    levels() {
      for (const show of levels) show();
    },
  };
}
