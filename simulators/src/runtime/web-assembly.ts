/** The part of WebAssembly's JavaScript interface that boards use; Node has it, its type declarations leave it out. */
export interface WasmMemory {
  readonly buffer: ArrayBuffer;
}

export interface WasmTable {
  grow(by: number): number;
  get(index: number): unknown;
  set(index: number, value: unknown): void;
}

interface WasmApi {
  Module: {
    new (bytes: Uint8Array): object;
    imports(module: object): { module: string; name: string }[];
  };
  Instance: new (
    module: object,
    imports: Record<string, Record<string, unknown>>,
  ) => { exports: Record<string, unknown> };
}

export const webAssembly = (globalThis as unknown as { WebAssembly: WasmApi }).WebAssembly;
