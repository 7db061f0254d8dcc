import type { RP2040 } from "rp2040js";
import type { Flash } from "../parts/w25q16.ts";

const SSI = 0x18000;
const IO_QSPI = 0x40018;
const XIP_CONTROL = 0x14000;
const CTRLR0 = 0x00;
const SSIENR = 0x08;
const SR = 0x28;
const DR0 = 0x60;
const SS_CTRL = 0x0c;
/** Transmit FIFO not full and empty. */
const SR_IDLE = (1 << 1) | (1 << 2);
const SR_RFNE = 1 << 3;
const RAM = 0x2000_0000;

/** How the image treated its flash. */
export interface FlashBus {
  /** Reasons why code could not have gone on: it was fetched from flash, or could be, while the chip was spoken to. */
  violations: Set<string>;
  reset(): void;
}

interface Register {
  readUint32(offset: number): number;
  writeUint32(offset: number, value: number): void;
}

/**
 * Puts the flash behind the SSI, which the emulator models as far as the boot ROM's polling: in direct mode (8-bit frames)
 * bytes go to the chip while its select line is forced low; in mapped mode memory shows its content. Code must run from
 * RAM with interrupts masked while the SSI is not in mapped mode or the chip is busy.
 */
export function attachFlash(chip: RP2040, flash: Flash, now_us: () => number): FlashBus {
  const bus: FlashBus = { violations: new Set(), reset };
  const registers = new Map<number, number>();
  let received: number[] = [];
  let selected = false;

  function reset(): void {
    registers.clear();
    received = [];
    selected = false;
    chip.flash.set(flash.bytes);
  }
  flash.onChange = (address, size) => chip.flash.set(flash.bytes.subarray(address, address + size), address);

  const direct = (): boolean => (registers.get(CTRLR0) ?? 0) >> 16 === 7 && registers.get(SSIENR) === 1;
  function watch(what: string): void {
    const { core } = chip;
    if (core.PC < RAM) bus.violations.add(`${what} from code in flash`);
    if (!core.PM) bus.violations.add(`${what} with interrupts on`);
  }

  const ssi: Register = chip.peripherals[SSI] as never;
  ssi.readUint32 = (offset) => {
    if (offset === SR) return SR_IDLE | (received.length > 0 ? SR_RFNE : 0);
    if (offset === DR0) return received.shift() ?? 0;
    return registers.get(offset) ?? 0;
  };
  ssi.writeUint32 = (offset, value) => {
    if (offset === DR0) {
      if (direct() && selected) {
        watch("a command");
        received.push(flash.exchange(value & 0xff, now_us()));
      }
      return;
    }
    registers.set(offset, value);
    if (offset !== SSIENR || value !== 1) return;
    received = [];
    if (!direct() && flash.busy(now_us())) bus.violations.add("mapped while the chip was busy");
  };
  const pins: Register = chip.peripherals[IO_QSPI] as never;
  pins.readUint32 = (offset) => registers.get(0x1000 + offset) ?? 0;
  pins.writeUint32 = (offset, value) => {
    registers.set(0x1000 + offset, value);
    if (offset !== SS_CTRL) return;
    const low = ((value >> 8) & 3) === 2;
    if (low && !selected) flash.select();
    if (!low && selected) flash.deselect(now_us());
    selected = low;
  };
  // The cache is not modelled: there is nothing to flush.
  const cache: Register & { writeUint32Atomic(offset: number, value: number): void } = {
    readUint32: () => 0,
    writeUint32: () => undefined,
    writeUint32Atomic: () => undefined,
  };
  chip.peripherals[XIP_CONTROL] = cache as never;
  return bus;
}
