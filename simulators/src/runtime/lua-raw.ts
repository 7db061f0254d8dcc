import { LuaFactory } from "wasmoon";

/**
 * The raw C API of the Lua 5.4 that wasmoon carries. wasmoon's own conversion layer is not binary safe (strings pass
 * through UTF-8 and end at a zero byte); the functions below take pointers and lengths and are. They are not part of
 * its documented surface, which is why the version is pinned.
 */
export interface LuaApi {
  HEAPU8: Uint8Array;
  HEAPU32: Uint32Array;
  addFunction(body: (...args: number[]) => number | undefined, signature: string): number;
  removeFunction(pointer: number): void;
  _malloc(size: number): number;
  _realloc(pointer: number, size: number): number;
  _free(pointer: number): void;
  _lua_newstate(allocator: number, data: number): number;
  _lua_close(L: number): void;
  _luaL_requiref(L: number, name: number, open: number, global: number): void;
  _luaopen_base(L: number): number;
  _luaopen_string(L: number): number;
  _luaopen_table(L: number): number;
  _luaopen_math(L: number): number;
  _luaL_loadbufferx(L: number, code: number, size: number, name: number, mode: number): number;
  _lua_pcallk(L: number, args: number, results: number, handler: number, context: number, k: number): number;
  _lua_error(L: number): number;
  _lua_gettop(L: number): number;
  _lua_settop(L: number, index: number): void;
  _lua_type(L: number, index: number): number;
  _lua_isinteger(L: number, index: number): number;
  _lua_tointegerx(L: number, index: number, ok: number): bigint;
  _lua_tonumberx(L: number, index: number, ok: number): number;
  _lua_toboolean(L: number, index: number): number;
  _lua_tolstring(L: number, index: number, length: number): number;
  _lua_pushnil(L: number): void;
  _lua_pushboolean(L: number, value: number): void;
  _lua_pushinteger(L: number, value: bigint): void;
  _lua_pushnumber(L: number, value: number): void;
  _lua_pushlstring(L: number, bytes: number, size: number): number;
  _lua_pushcclosure(L: number, body: number, upvalues: number): void;
  _lua_createtable(L: number, array: number, record: number): void;
  _lua_getfield(L: number, index: number, name: number): number;
  _lua_setfield(L: number, index: number, name: number): void;
  _lua_getglobal(L: number, name: number): number;
  _lua_rawgeti(L: number, index: number, n: bigint): number;
  _luaL_ref(L: number, index: number): number;
  /** The port's bodies of messages; only in a Lua of our own. */
  _body_pack?(L: number): number;
  _body_unpack?(L: number): number;
  _lua_sethook(L: number, hook: number, mask: number, count: number): void;
}

/** Registry pseudo-index: -LUAI_MAXSTACK - 1000. */
export const REGISTRY = -1_001_000;
export const LuaType = { nil: 0, boolean: 1, number: 3, string: 4, table: 5, function: 6 } as const;
/** Event mask of the count hook. */
export const MASK_COUNT = 8;

let shared: Promise<LuaApi> | undefined;

/** A WebAssembly instance of its own, whose memory is one board's alone: 16 MB. */
export async function ownLuaApi(): Promise<LuaApi> {
  return (await new LuaFactory().getLuaModule()).module as unknown as LuaApi;
}

/** One WebAssembly instance serves every board of the process; each board has a Lua state of its own in it. */
export function luaApi(): Promise<LuaApi> {
  shared ??= ownLuaApi();
  return shared;
}

/** Copies bytes into the heap, calls `use` with pointer and length, and frees them. */
export function withBytes<T>(api: LuaApi, text: string, use: (pointer: number, length: number) => T): T {
  const pointer = api._malloc(text.length + 1);
  const heap = api.HEAPU8;
  for (let i = 0; i < text.length; i += 1) heap[pointer + i] = text.charCodeAt(i);
  heap[pointer + text.length] = 0;
  try {
    return use(pointer, text.length);
  } finally {
    api._free(pointer);
  }
}

/** The byte string at a stack index. */
export function readBytes(api: LuaApi, L: number, index: number, scratch: number): string {
  const pointer = api._lua_tolstring(L, index, scratch);
  if (pointer === 0) return "";
  const length = api.HEAPU32[scratch >> 2] as number;
  return Buffer.from(api.HEAPU8.buffer, pointer, length).toString("latin1");
}
