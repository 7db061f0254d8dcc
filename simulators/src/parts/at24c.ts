import { AT24C } from "@mltb/hardware";
import type { I2cPart } from "./i2c.ts";

export interface At24c extends I2cPart {
  /** The cells, as they would be read; bytes of a write that has not ended are as before. */
  bytes: Uint8Array;
  /**
   * The supply fails. A write cycle under way leaves its page undefined: some of its bytes new, some old, some neither,
   * by the numbers given.
   */
  cutPower(random: () => number, now_us: number): void;
  /** Write cycles so far, and bytes of a page write that overwrote the page's beginning. */
  counters: { writes: number; wrapped: number };
}

/**
 * AT24C32E at the level of its bus (DS20006109A): two address bytes, sequential reads that roll over at the end of the
 * memory (8.3), page writes whose address wraps inside the page (7.2), a self-timed write cycle that begins at the stop
 * condition and during which the part does not acknowledge (7.3). Erased cells read as 0xff.
 *
 * @param onWrite told of each finished write cycle
 */
export function createAt24c(onWrite: (now_us: number) => void = () => undefined): At24c {
  const mask = AT24C.bytes - 1;
  const page = AT24C.page_bytes - 1;
  let address = 0;
  /** Bytes since the start condition. */
  let index = 0;
  /** Bytes of a page write that the stop condition will commit, by their addresses. */
  let latched = new Map<number, number>();
  /** The page that is being written, and when the cycle ends. */
  let cycle: { cells: Map<number, number>; until_us: number } | undefined;

  function settle(now_us: number): void {
    if (cycle === undefined || now_us < cycle.until_us) return;
    for (const [at, value] of cycle.cells) part.bytes[at] = value;
    const { until_us } = cycle;
    cycle = undefined;
    onWrite(until_us);
  }

  /** The stop condition of a write: the part sees it, the twin is told of it by the bus. */
  function commit(now_us: number): void {
    if (latched.size === 0) return;
    cycle = { cells: latched, until_us: now_us + AT24C.write_ms * 1000 };
    part.counters.writes += 1;
    latched = new Map();
  }

  const part: At24c = {
    bytes: new Uint8Array(AT24C.bytes).fill(0xff),
    counters: { writes: 0, wrapped: 0 },
    addressed(_reading, now_us) {
      settle(now_us);
      if (cycle !== undefined) return false;
      // A repeated start in place of the stop abandons the bytes.
      latched = new Map();
      index = 0;
      return true;
    },
    writeByte(value) {
      if (index === 0) address = ((value << 8) | (address & 0xff)) & mask;
      else if (index === 1) address = (address & ~0xff) | value;
      else {
        if (latched.has(address)) part.counters.wrapped += 1;
        latched.set(address, value);
        address = (address & ~page) | ((address + 1) & page);
      }
      index += 1;
      return true;
    },
    readByte() {
      const value = part.bytes[address] as number;
      address = (address + 1) & mask;
      return value;
    },
    stopped(now_us) {
      commit(now_us);
    },
    cutPower(random, now_us) {
      settle(now_us);
      if (cycle !== undefined) {
        for (const [at, value] of cycle.cells) {
          const fate = random();
          part.bytes[at] =
            fate < 1 / 3 ? value : fate < 2 / 3 ? (part.bytes[at] as number) : Math.floor(random() * 256);
        }
      }
      cycle = undefined;
      latched = new Map();
      address = 0;
      index = 0;
    },
  };
  return part;
}
