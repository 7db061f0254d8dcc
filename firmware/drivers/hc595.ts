/**
 * Chain of 74HC595 shift registers (Nexperia 74HC595 rev. 12), bit-banged: data is taken at the rising edge of the
 * shift clock, the outputs change together at the rising edge of the latch clock. The bit sent last ends in output 0
 * of the first register, so bits go out from the highest to the lowest.
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
  for (let i = 0; i < bits; i += 1) levels.push(0);
  hal.gpio_mode(pins.data_pin, 1);
  hal.gpio_mode(pins.clock_pin, 1);
  hal.gpio_mode(pins.latch_pin, 1);
  hal.gpio_write(pins.clock_pin, 0);
  hal.gpio_write(pins.latch_pin, 0);
  return {
    set(this: void, bit: number, level: number): void {
      levels[bit] = level;
    },
    get(this: void, bit: number): number {
      return levels[bit] as number;
    },
    write(this: void): void {
      for (let i = bits - 1; i >= 0; i -= 1) {
        hal.gpio_write(pins.data_pin, levels[i] as number);
        hal.gpio_write(pins.clock_pin, 1);
        hal.gpio_write(pins.clock_pin, 0);
      }
      hal.gpio_write(pins.latch_pin, 1);
      hal.gpio_write(pins.latch_pin, 0);
    },
  };
}
