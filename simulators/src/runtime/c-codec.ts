import type { FrameCounters } from "@mltb/protocol";
import { type WasmMemory, webAssembly } from "./web-assembly.ts";

/** The board's C codec, built for WebAssembly. */
export interface CCodec {
  seal(header: string, body: string, bulk: string): string;
  /** Header and body, or the number of the fault. */
  unseal(block: string): string | number;
  /** A receiving end with its own state. */
  deframer(): {
    /** Header and body of each good frame that ends in the chunk. */
    rx(chunk: string): string[];
    counters(): FrameCounters;
  };
}

/** Offsets in `struct deframer`, and its counters in the order of `enum frame_fault`. */
const PLAIN = 254;
const SEEN = 516;
const FAULTS = [
  "good",
  "cobs",
  "short",
  "crc",
  "length",
  "kind",
  "major",
  "oversize",
  "empty",
  "skipped_bytes",
] as const;
const DEFRAMER_BYTES = SEEN + 4 * FAULTS.length;
/** What an input of the codec holds. */
const INPUT_BYTES = 4096;

interface Exports {
  memory: WasmMemory;
  malloc(size: number): number;
  frame_init(): void;
  frame_seal(wire: number, h: number, hs: number, b: number, bs: number, u: number, us: number): number;
  deframe(state: number, plainSize: number, bytes: number, size: number): number;
  frame_unseal(plain: number, size: number, block: number, blockSize: number): number;
}

/** A receiving end in C in front of a bundle, as images have it: `rx` gives header and body of each good frame. */
export type CDeframer = ReturnType<CCodec["deframer"]>;

/** Starts the module that `buildCodecWasm` of the firmware makes. */
export function cCodec(wasm: Uint8Array): CCodec {
  const module = new webAssembly.Module(wasm);
  const c = new webAssembly.Instance(module, {}).exports as unknown as Exports;
  c.frame_init();
  const [out, size, ...inputs] = [2 * INPUT_BYTES, 8, INPUT_BYTES, INPUT_BYTES, INPUT_BYTES].map((bytes) =>
    c.malloc(bytes),
  ) as [number, number, number, number, number];
  const put = (at: number, text: string): number => {
    new Uint8Array(c.memory.buffer).set(Buffer.from(text, "latin1"), at);
    return text.length;
  };
  const get = (at: number, length: number): string => Buffer.from(c.memory.buffer, at, length).toString("latin1");
  return {
    seal(header, body, bulk) {
      const [h, b, u] = inputs as [number, number, number];
      return get(out, c.frame_seal(out, h, put(h, header), b, put(b, body), u, put(u, bulk)));
    },
    unseal(block) {
      const fault = c.frame_unseal(out, size, inputs[0] as number, put(inputs[0] as number, block));
      return fault === 0 ? get(out, new Uint32Array(c.memory.buffer)[size >> 2] as number) : fault;
    },
    deframer() {
      const state = c.malloc(DEFRAMER_BYTES);
      const words = (): Uint32Array => new Uint32Array(c.memory.buffer);
      new Uint8Array(c.memory.buffer).fill(0, state, state + DEFRAMER_BYTES);
      return {
        rx(chunk) {
          const frames: string[] = [];
          for (let from = 0; from < chunk.length; from += INPUT_BYTES) {
            let at = inputs[0] as number;
            const end = at + put(at, chunk.slice(from, from + INPUT_BYTES));
            while (at < end) {
              at += c.deframe(state, size, at, end - at);
              const length = words()[size >> 2] as number;
              if (length > 0) frames.push(get(state + PLAIN, length));
            }
          }
          return frames;
        },
        counters: () =>
          Object.fromEntries(
            FAULTS.map((name, i) => [name, words()[(state + SEEN) / 4 + i]]),
          ) as unknown as FrameCounters,
      };
    },
  };
}
