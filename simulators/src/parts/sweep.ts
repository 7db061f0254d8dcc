import type { I2cBus } from "./i2c.ts";
import type { Recovery } from "./recovery.ts";

/** The background sweep of the HAL over the parts on a bus, in the world's time. */
export interface Sweep {
  start(period_us: number, addresses: string, registers: string): boolean;
  take(): [string, number, number] | undefined;
  /** Reads the parts whose time has come. */
  advance(now_us: number): void;
  full(): boolean;
}

export function createSweep(bus: I2cBus, recovery: Recovery): Sweep {
  let parts: number[] = [];
  let pointers: number[] = [];
  let period = 0;
  let next_us = 0;
  /** Time at which the sweep under way began. */
  let begun_us: number | undefined;
  let now: Uint8Array[] = [];
  let missing = 0;
  let done: [string, number, number] | undefined;

  /** Address, pointer, address and two bytes a register. */
  const part_us = (): number => pointers.length * 5 * bus.byte_us;

  function read(address: number, at_us: number): void {
    const bytes = new Uint8Array(pointers.length * 2);
    for (const [n, pointer] of pointers.entries()) {
      const word = bus.transfer(address, Uint8Array.of(pointer), 2, at_us + n * 5 * bus.byte_us);
      if (word === undefined) {
        missing |= 1 << now.length;
        break;
      }
      bytes.set(word, n * 2);
    }
    now.push(bytes);
  }

  /** A bus that stays held ends the sweep at once: no part has answered. */
  function giveUp(): void {
    while (now.length < parts.length) {
      missing |= 1 << now.length;
      now.push(new Uint8Array(pointers.length * 2));
    }
  }

  return {
    start(period_us, addresses, registers) {
      parts = [...Buffer.from(addresses, "latin1")];
      pointers = [...Buffer.from(registers, "latin1")];
      period = period_us;
      next_us = 0;
      begun_us = undefined;
      done = undefined;
      return true;
    },
    take() {
      const taken = done;
      done = undefined;
      return taken;
    },
    advance(now_us) {
      if (period === 0) return;
      if (begun_us === undefined) {
        if (now_us < next_us) return;
        begun_us = now_us;
        next_us = now_us + period;
        now = [];
        missing = 0;
        if (bus.held() && !recovery.free(bus)) giveUp();
      }
      while (now.length < parts.length && begun_us + (now.length + 1) * part_us() <= now_us) {
        read(parts[now.length] as number, begun_us + now.length * part_us());
      }
      if (now.length < parts.length) return;
      done = [Buffer.concat(now).toString("latin1"), Math.floor(begun_us) % 2 ** 32, missing];
      begun_us = undefined;
    },
    full: () => done !== undefined,
  };
}
