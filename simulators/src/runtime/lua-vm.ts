import { type LuaApi, LuaType, luaApi, MASK_COUNT, ownLuaApi, REGISTRY, readBytes, withBytes } from "./lua-raw.ts";
import { ownLua } from "./lua-wasm.ts";
import type { LuaValue, NodeHal } from "./node-hal.ts";
import type { WasmMemory } from "./web-assembly.ts";

/** A board: the firmware bundle in a Lua state, with a HAL in Node. */
export interface LuaBoard {
  /** Bytes from the link, as a latin1 string, and the milliseconds since start. */
  rx(chunk: string, now_ms: number): void;
  /** In place of `rx`, for a bundle whose runtime deframes: fields of a good frame's header, and its body. */
  frame(
    kind: number,
    seq: number,
    ack: number,
    credit: number,
    id: number,
    tag: number,
    body: string,
    now_ms: number,
  ): void;
  /** Runs what is due; returns the milliseconds until the next due time. */
  tick(now_ms: number): number;
  /** What the next bundle is to know; undefined where the bundle hands nothing over. */
  keep(): string | undefined;
  /** Bytes that the Lua state has allocated, now and at most so far. */
  heap(): { used_bytes: number; peak_bytes: number };
  /** VM instructions that each call of `rx`, `frame` or `tick` may take from here on; an endless loop ends there. */
  budget(instructions: number): void;
  /** VM instructions run so far, in steps of the hook interval. */
  instructions(): number;
  /** Keeps the board's whole state and gives a function that puts it back; only with a Lua of the board's own (`lua`). */
  snapshot?: () => () => void;
  close(): void;
}

export interface LuaBoardOptions {
  /** Lua source or bytecode of the bundle, as a latin1 string. */
  bundle: string;
  /** The board's HAL; a bundle that is not a board's gets the functions that it asks for. */
  hal: NodeHal | Record<string, (...args: never[]) => unknown>;
  /** What the bundle before has handed over. */
  kept?: string;
  /** Cap of the allocator; beyond it Lua reports "not enough memory". */
  heapLimitBytes?: number;
  /** VM instructions that one call of `rx` or `tick` may take; an endless loop ends there with an error. */
  instructionLimit?: number;
  /**
   * A build of the firmware's own Lua for WebAssembly; without it the Lua that wasmoon carries runs the board, in an
   * instance that all boards of the process share, or with `own-wasmoon` in one of the board's own.
   * `bodiesInC` gives the bundle the port's functions for bodies of messages, as an image has them.
   */
  lua?: { wasm: Uint8Array; numbers: "i64" | "i32"; bodiesInC?: boolean } | "own-wasmoon";
}

/** The bundle failed: it could not be loaded, or `rx` or `tick` let an error out. */
export class LuaBoardError extends Error {}

const HOOK_EVERY = 10_000;

/** Loads a bundle, calls its `boot(hal)` and returns the running board. */
export async function createLuaBoard(options: LuaBoardOptions): Promise<LuaBoard> {
  if (options.lua === undefined) return bootBoard(await luaApi(), options);
  if (options.lua === "own-wasmoon") {
    const api = await ownLuaApi();
    // The buffer is another one after the memory has grown.
    return bootBoard(api, options, {
      get buffer() {
        return api.HEAPU8.buffer as ArrayBuffer;
      },
    });
  }
  const own = ownLua(options.lua.wasm, options.lua.numbers);
  return bootBoard(own.api, options, own.memory);
}

function bootBoard(api: LuaApi, options: LuaBoardOptions, memory?: WasmMemory): LuaBoard {
  const limit = options.heapLimitBytes ?? 4 * 1024 * 1024;
  let budget = options.instructionLimit ?? 20_000_000;
  const scratch = api._malloc(8);
  const functions: number[] = [];
  let used = 0;
  let peak = 0;
  let spent = 0;
  let total = 0;

  const bind = (body: (...args: number[]) => number | undefined, signature: string): number => {
    const pointer = api.addFunction(body, signature);
    functions.push(pointer);
    return pointer;
  };

  const allocator = bind((_data, pointer = 0, oldSize = 0, newSize = 0) => {
    const before = pointer === 0 ? 0 : oldSize;
    if (newSize === 0) {
      if (pointer !== 0) api._free(pointer);
      used -= before;
      return 0;
    }
    if (newSize > before && used + newSize - before > limit) return 0;
    const moved = api._realloc(pointer, newSize);
    if (moved === 0) return 0;
    used += newSize - before;
    if (used > peak) peak = used;
    return moved;
  }, "iiiii");

  const L = api._lua_newstate(allocator, 0);
  if (L === 0) throw new LuaBoardError("no memory for a Lua state");

  const hook = bind((state = 0) => {
    spent += HOOK_EVERY;
    total += HOOK_EVERY;
    if (spent > budget) fail(state, "instruction limit: endless loop");
    return undefined;
  }, "vii");

  function fail(state: number, message: string): number {
    withBytes(api, message, (pointer, length) => api._lua_pushlstring(state, pointer, length));
    // Throws through the WebAssembly frames up to the enclosing lua_pcall.
    return api._lua_error(state);
  }

  function read(state: number, index: number): LuaValue {
    const type = api._lua_type(state, index);
    if (type === LuaType.number) {
      return api._lua_isinteger(state, index) !== 0
        ? Number(api._lua_tointegerx(state, index, 0))
        : api._lua_tonumberx(state, index, 0);
    }
    if (type === LuaType.string) return readBytes(api, state, index, scratch);
    if (type === LuaType.boolean) return api._lua_toboolean(state, index) !== 0;
    return undefined;
  }

  function push(state: number, value: LuaValue): void {
    if (typeof value === "string") {
      withBytes(api, value, (pointer, length) => api._lua_pushlstring(state, pointer, length));
    } else if (typeof value === "number") {
      if (Number.isInteger(value)) api._lua_pushinteger(state, BigInt(value));
      else api._lua_pushnumber(state, value);
    } else if (typeof value === "boolean") api._lua_pushboolean(state, value ? 1 : 0);
    else api._lua_pushnil(state);
  }

  /** A HAL function as a C closure. What it throws becomes a Lua error inside the call, where pcall can catch it. */
  function closure(name: string, body: (...args: LuaValue[]) => unknown): number {
    return bind((state = 0) => {
      let error: string;
      try {
        const args: LuaValue[] = [];
        for (let i = 1; i <= api._lua_gettop(state); i += 1) args.push(read(state, i));
        const result = body(...args);
        const values = Array.isArray(result) ? result : [result];
        for (const value of values) push(state, value as LuaValue);
        return values.length;
      } catch (caught) {
        error = `hal.${name}: ${caught instanceof Error ? caught.message : String(caught)}`;
      }
      return fail(state, error);
    }, "ii");
  }

  function field(name: string, get: (pointer: number) => void): void {
    withBytes(api, name, (pointer) => get(pointer));
  }

  function call(args: number, results: number, what: string): void {
    spent = 0;
    const status = api._lua_pcallk(L, args, results, 0, 0, 0);
    if (status === 0) return;
    const message = read(L, -1);
    api._lua_settop(L, 0);
    throw new LuaBoardError(`${what}: ${message ?? "unknown error"}`);
  }

  for (const [name, open] of [
    ["_G", api._luaopen_base],
    ["string", api._luaopen_string],
    ["table", api._luaopen_table],
    ["math", api._luaopen_math],
  ] as const) {
    const opener = bind((state = 0) => open(state), "ii");
    field(name, (pointer) => api._luaL_requiref(L, pointer, opener, 1));
    api._lua_settop(L, 0);
  }
  api._lua_sethook(L, hook, MASK_COUNT, HOOK_EVERY);

  const loaded = withBytes(api, options.bundle, (code, size) =>
    withBytes(api, "=bundle", (name) => api._luaL_loadbufferx(L, code, size, name, 0)),
  );
  if (loaded !== 0) throw new LuaBoardError(`bundle does not load: ${read(L, -1)}`);
  call(0, 1, "bundle");
  field("boot", (pointer) => api._lua_getfield(L, -1, pointer));
  api._lua_createtable(L, 0, 32);
  for (const [name, body] of Object.entries(options.hal)) {
    if (typeof body !== "function") continue;
    api._lua_pushcclosure(L, closure(name, body.bind(options.hal)), 0);
    field(name, (pointer) => api._lua_setfield(L, -2, pointer));
  }
  if (typeof options.lua === "object" && options.lua.bodiesInC === true) {
    for (const [name, body] of [
      ["body_pack", api._body_pack],
      ["body_unpack", api._body_unpack],
    ] as const) {
      api._lua_pushcclosure(
        L,
        bind((state = 0) => body?.(state), "ii"),
        0,
      );
      field(name, (pointer) => api._lua_setfield(L, -2, pointer));
    }
  }
  push(L, options.kept ?? "");
  call(2, 1, "boot");
  const reference = (name: string): bigint => {
    field(name, (pointer) => api._lua_getfield(L, -1, pointer));
    return BigInt(api._luaL_ref(L, REGISTRY));
  };
  function snapshot(of: WasmMemory): () => void {
    const bytes = new Uint8Array(of.buffer).slice();
    const counts = { used, peak, spent, total };
    return () => {
      new Uint8Array(of.buffer).fill(0).set(bytes);
      ({ used, peak, spent, total } = counts);
    };
  }
  const rx = reference("rx");
  const frame = reference("frame");
  const tick = reference("tick");
  const keep = reference("keep");
  api._lua_settop(L, 0);

  return {
    rx(chunk, now_ms) {
      api._lua_rawgeti(L, REGISTRY, rx);
      push(L, chunk);
      push(L, now_ms);
      call(2, 0, "rx");
    },
    frame(...fields) {
      api._lua_rawgeti(L, REGISTRY, frame);
      for (const value of fields) push(L, value);
      call(fields.length, 0, "frame");
    },
    tick(now_ms) {
      api._lua_rawgeti(L, REGISTRY, tick);
      push(L, now_ms);
      call(1, 1, "tick");
      const wait = read(L, -1);
      api._lua_settop(L, 0);
      return typeof wait === "number" ? wait : 0;
    },
    keep() {
      api._lua_rawgeti(L, REGISTRY, keep);
      if (api._lua_type(L, -1) === LuaType.nil) {
        api._lua_settop(L, 0);
        return undefined;
      }
      call(0, 1, "keep");
      const value = read(L, -1);
      api._lua_settop(L, 0);
      return typeof value === "string" ? value : undefined;
    },
    heap: () => ({ used_bytes: used, peak_bytes: peak }),
    budget(instructions) {
      budget = instructions;
    },
    instructions: () => total,
    ...(memory === undefined ? {} : { snapshot: () => snapshot(memory) }),
    close() {
      api._lua_close(L);
      for (const pointer of functions.splice(0)) api.removeFunction(pointer);
      api._free(scratch);
    },
  };
}
