import { byte, shr } from "#platform";

/**
 * Chain of 74HC595 shift registers (Nexperia 74HC595 rev. 12), data is taken at the rising edge of the shift
 * clock, the outputs change together at the rising edge of the latch clock. The bit sent last ends in output 0 of the
 * first register, so bits go out from the highest to the lowest.
 */
export interface Chain {
  set(this: void, bit: number, level: number): void;
  get(this: void, bit: number): number;
  /** Shifts all bits out and latches them. Also called regularly: the latch edges feed the output watchdog. */
  write(this: void): void;
}

export function createChain(
  hal: Hal,
  pins: { data_pin: number; clock_pin: number; latch_pin: number },
  bits: number,
): Chain {
  const levels: number[] = [];
  for (let i = 0; i < bits; i += 8) levels.push(0);
  hal.gpio_mode(pins.data_pin, 1);
  hal.gpio_mode(pins.clock_pin, 1);
  hal.gpio_mode(pins.latch_pin, 1);
  return {
    set(this: void, bit: number, level: number): void {
      const at = shr(bit, 3);
      const mask = 1 << (bit & 7);
      levels[at] = ((levels[at] as number) & (255 - mask)) + level * mask;
    },
    get(this: void, bit: number): number {
      return shr(levels[shr(bit, 3)] as number, bit & 7) & 1;
    },
    write(this: void): void {
      let out = "";
      for (const level of levels) out = byte(level) + out;
      hal.chain_write(out);
    },
  };
}
