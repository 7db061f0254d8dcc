const WRAP = 2 ** 32;

/** Widens a 32-bit device tick to a count that does not wrap. Ticks may come slightly out of order. */
export function createTickCounter(): (tick_us: number) => number {
  let last: number | undefined;
  return (tick_us) => {
    if (last === undefined) {
      last = tick_us;
      return tick_us;
    }
    const step = ((tick_us - (last % WRAP) + WRAP * 1.5) % WRAP) - WRAP / 2;
    const wide = last + step;
    if (wide > last) last = wide;
    return wide;
  };
}
