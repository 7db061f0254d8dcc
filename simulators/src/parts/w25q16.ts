import { W25Q16 } from "@mltb/hardware";
import { random } from "../world/random.ts";

const { commands, status, sector_bytes, page_bytes } = W25Q16;

/** Register-level twin of a W25Q16JV: what the select line and the bytes on its bus make of its content. */
export interface Flash {
  /** The content; it outlives everything but an erase. */
  bytes: Uint8Array;
  select(): void;
  /** One byte out, one in. */
  exchange(out: number, now_us: number): number;
  /** The select line rises: an erase or a program begins. */
  deselect(now_us: number): void;
  busy(now_us: number): boolean;
  /** The same operations without a bus, for a controller that is not emulated; microseconds that they take. */
  erase(address: number): number;
  program(address: number, data: Uint8Array): number;
  /** Erases and programs so far. */
  operations(): number;
  /** The power fails in the middle of this operation, counted from 0: it is left half done, and `onCut` is told. */
  cutAt(operation: number): void;
  onCut: (() => void) | undefined;
  /** Told which bytes have changed. */
  onChange: ((address: number, size: number) => void) | undefined;
  counters: {
    /** Programs and erases without write enable, and commands while one was under way: the part ignores them. */
    ignored: number;
    unknown: number;
  };
}

/** @param seed decides the part's unique number, and which bits an operation without power has reached */
export function createFlash(seed: number): Flash {
  const source = random(seed ^ 0xf1a54);
  const byte = (): number => Math.floor(source.uniform() * 256);
  const bytes = new Uint8Array(W25Q16.bytes).fill(0xff);
  const id = Uint8Array.from({ length: 8 }, byte);
  const counters = { ignored: 0, unknown: 0 };
  let input: number[] = [];
  let writeEnabled = false;
  let busyUntil_us = 0;
  let done = 0;
  let cut = -1;

  /** Lets an operation touch its range; with the power gone every bit may or may not have been reached. */
  function change(address: number, size: number, to: (old: number, n: number) => number): void {
    const failing = done === cut;
    done += 1;
    for (let n = 0; n < size; n += 1) {
      const old = bytes[address + n] as number;
      const wanted = to(old, n);
      bytes[address + n] = failing ? half(old, wanted) : wanted;
    }
    flash.onChange?.(address, size);
    if (!failing) return;
    cut = -1;
    flash.onCut?.();
  }
  function half(old: number, wanted: number): number {
    const reached = byte();
    return (old & ~reached) | (wanted & reached);
  }

  const flash: Flash = {
    bytes,
    counters,
    onCut: undefined,
    onChange: undefined,
    select() {
      input = [];
    },
    exchange(out, now_us) {
      input.push(out);
      const [command] = input;
      const at = input.length - 1;
      if (command === commands.read_status) {
        return at === 0 ? 0 : (flash.busy(now_us) ? status.busy : 0) | (writeEnabled ? status.write_enabled : 0);
      }
      if (flash.busy(now_us)) return 0xff;
      if (command === commands.unique_id && at >= 5) return id[(at - 5) % id.length] as number;
      if (command === commands.read && at >= 4) return bytes[(addressOf(input) + at - 4) % bytes.length] as number;
      return 0xff;
    },
    deselect(now_us) {
      const [command] = input;
      if (command === undefined || command === commands.read_status) return;
      if (flash.busy(now_us)) {
        counters.ignored += 1;
        return;
      }
      if (command === commands.write_enable) writeEnabled = true;
      else if (command === commands.sector_erase || command === commands.page_program) {
        if (!writeEnabled || input.length < 4) {
          counters.ignored += 1;
          return;
        }
        writeEnabled = false;
        const address = addressOf(input);
        const took =
          command === commands.sector_erase
            ? flash.erase(address)
            : flash.program(address, Uint8Array.from(input.slice(4)));
        busyUntil_us = now_us + took;
      } else if (command !== commands.read && command !== commands.unique_id) counters.unknown += 1;
    },
    busy: (now_us) => now_us < busyUntil_us,
    erase(address) {
      const start = address - (address % sector_bytes);
      change(start, sector_bytes, () => 0xff);
      return W25Q16.sector_erase_us;
    },
    program(address, data) {
      // Behind the end of a page the part goes on at its beginning.
      const page = address - (address % page_bytes);
      const wanted = new Map<number, number>();
      for (const [n, value] of data.entries()) wanted.set((address + n) % page_bytes, value);
      change(page, page_bytes, (old, n) => old & (wanted.get(n) ?? 0xff));
      return W25Q16.page_program_us;
    },
    operations: () => done,
    cutAt(operation) {
      cut = operation;
    },
  };
  return flash;
}

function addressOf(input: number[]): number {
  return ((input[1] as number) << 16) | ((input[2] as number) << 8) | (input[3] as number);
}
