import type { LuaApi } from "./lua-raw.ts";
import { type WasmMemory, type WasmTable, webAssembly } from "./web-assembly.ts";

/** What a build of Lua for WebAssembly exports (firmware/lua-runtime/lua-wasm.ts). */
type Exports = Record<string, unknown> & {
  memory: WasmMemory;
  __stack_pointer: { value: number };
  __indirect_function_table: WasmTable;
  _initialize(): void;
};

/** Error number of WASI for "no such descriptor": anything else makes the C library's start-up trap. */
const BAD_DESCRIPTOR = 8;

/** Thrown by Lua's own errors; it carries nothing, Lua keeps the error. */
const LUA_ERROR = Symbol("Lua error");

const modules = new WeakMap<Uint8Array, object>();
const I32 = 0x7f;

/**
 * A JavaScript function as a WebAssembly one, which a table can hold: a module of its own that imports the function and
 * exports it again. `signature`: the result (`v` none, `i`), then `i` for each parameter.
 */
function asWasm(body: (...args: number[]) => number | undefined, signature: string): unknown {
  const parameters = signature.length - 1;
  const results = signature.startsWith("v") ? [0] : [1, I32];
  const type = [0x60, parameters, ...new Array<number>(parameters).fill(I32), ...results];
  const section = (id: number, bytes: number[]): number[] => [id, bytes.length, ...bytes];
  const code = Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, ...type]),
    // Import "e"."f", function of type 0; export it as "f".
    ...section(2, [1, 1, 0x65, 1, 0x66, 0, 0]),
    ...section(7, [1, 1, 0x66, 0, 0]),
  ]);
  return new webAssembly.Instance(new webAssembly.Module(code), { e: { f: body } }).exports["f"];
}

/** Lua in a WebAssembly instance of its own, behind the calls of `lua-raw.ts`, and its whole memory for snapshots. */
export interface OwnLua {
  api: LuaApi;
  memory: WasmMemory;
}

/** Starts a module that was built with these numbers: 64-bit integers and doubles, or 32-bit integers and floats. */
export function ownLua(bytes: Uint8Array, numbers: "i64" | "i32"): OwnLua {
  let module = modules.get(bytes);
  if (module === undefined) {
    module = new webAssembly.Module(bytes);
    modules.set(bytes, module);
  }
  const wasi: Record<string, () => number> = {};
  for (const entry of webAssembly.Module.imports(module)) {
    if (entry.module === "wasi_snapshot_preview1") wasi[entry.name] = () => BAD_DESCRIPTOR;
  }
  const env = {
    host_throw() {
      throw LUA_ERROR;
    },
    host_try(body: number, L: number, data: number) {
      const stack = exports.__stack_pointer.value;
      try {
        (table.get(body) as (L: number, data: number) => void)(L, data);
      } catch (error) {
        if (error !== LUA_ERROR) throw error;
        exports.__stack_pointer.value = stack;
      }
    },
  };
  const exports = new webAssembly.Instance(module, { env, wasi_snapshot_preview1: wasi }).exports as Exports;
  const table = exports.__indirect_function_table;
  exports._initialize();

  const free: number[] = [];
  const api: Record<string, unknown> = {
    addFunction(body: (...args: number[]) => number | undefined, signature: string): number {
      const index = free.pop() ?? table.grow(1);
      table.set(index, asWasm(body, signature));
      return index;
    },
    removeFunction(index: number): void {
      table.set(index, null);
      free.push(index);
    },
  };
  for (const [name, value] of Object.entries(exports)) if (typeof value === "function") api[`_${name}`] = value;
  // The buffer of a memory is another one after it has grown.
  Object.defineProperty(api, "HEAPU8", { get: () => new Uint8Array(exports.memory.buffer) });
  Object.defineProperty(api, "HEAPU32", { get: () => new Uint32Array(exports.memory.buffer) });
  const call = (name: string): ((...args: unknown[]) => unknown) => exports[name] as never;
  if (numbers === "i32") {
    api["_lua_pushinteger"] = (L: number, value: bigint) =>
      call("lua_pushinteger")(L, Number(BigInt.asIntN(32, value)));
    api["_lua_tointegerx"] = (L: number, index: number, ok: number) =>
      BigInt(call("lua_tointegerx")(L, index, ok) as number);
    api["_lua_rawgeti"] = (L: number, index: number, n: bigint) => call("lua_rawgeti")(L, index, Number(n));
  }
  return { api: api as unknown as LuaApi, memory: exports.memory };
}
