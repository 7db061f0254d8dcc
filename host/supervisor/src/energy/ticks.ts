const WRAP = 2 ** 32;
/** Ticks come out of order by less than this; one that seems to lie further back has passed its highest value. */
const BACK_US = 600e6;

/** Widens 32-bit device ticks to a count that does not wrap. */
export interface TickCounter {
  /** Ticks may come slightly out of order, and by up to an hour apart. */
  wide(tick_us: number): number;
  /** The count has come at least near this: for silences in which the tick may have wrapped more than once. */
  reach(wide_us: number): void;
}

export function createTickCounter(): TickCounter {
  let last: number | undefined;
  return {
    wide(tick_us) {
      if (last === undefined) {
        last = tick_us;
        return tick_us;
      }
      const ahead = (((tick_us - last) % WRAP) + WRAP + BACK_US) % WRAP;
      const wide = last + ahead - BACK_US;
      if (wide > last) last = wide;
      return wide;
    },
    reach(wide_us) {
      if (last !== undefined && wide_us > last) last = wide_us;
    },
  };
}
