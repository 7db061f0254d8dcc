import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { compile, dist, inParallel, LUA, LUA_DEFINES } from "./compile.ts";
import { ImageBuildError } from "./errors.ts";
import { hardwareHeader } from "./hardware-header.ts";
import { editedSource, luaSource, NUMBERS_BY_DEFINE } from "./lua-source.ts";

const here = fileURLToPath(new URL("wasm", import.meta.url));

/** The bodies of messages in C, the same file as in the images. */
const BODY = fileURLToPath(new URL("port/body.c", import.meta.url));

/** Functions of Lua's C API, of the C library and of the bodies that a board in Node calls. */
const EXPORTS = [
  ..."malloc realloc free lua_newstate lua_close luaL_requiref luaopen_base luaopen_string luaopen_table".split(" "),
  ..."luaopen_math luaL_loadbufferx lua_pcallk lua_error lua_gettop lua_settop lua_type lua_isinteger".split(" "),
  ..."lua_tointegerx lua_tonumberx lua_toboolean lua_tolstring lua_pushnil lua_pushboolean lua_pushinteger".split(" "),
  ..."lua_pushnumber lua_pushlstring lua_pushcclosure lua_createtable lua_getfield lua_setfield".split(" "),
  ..."lua_getglobal lua_rawgeti luaL_ref lua_sethook lua_gc body_pack body_unpack".split(" "),
];

/** Widths of Lua's numbers: 64-bit integers and doubles as on the product, or 32-bit integers and floats. */
export type LuaNumbers = "i64" | "i32";

/** Packages without which Lua cannot be built for WebAssembly; empty when it can. */
export function missingWasmPackages(): string[] {
  const missing: string[] = [];
  const works = (command: string): boolean =>
    spawnSync(command, ["--version"], { stdio: "ignore" }).error === undefined;
  if (!works("clang")) missing.push("clang");
  if (!works("wasm-ld")) missing.push("lld");
  if (!existsSync("/usr/include/wasm32-wasi")) missing.push("wasi-libc");
  if (missing.length > 0) missing.push("libclang-rt-dev-wasm32");
  if (!works("dpkg-source")) missing.push("dpkg-dev");
  return missing;
}

/**
 * Builds the pinned Lua sources for WebAssembly, with the defines of the images, and returns the module. It needs nothing
 * but the two functions of `wasm/lua-wasm.h` and WASI calls that may all fail.
 */
export async function buildLuaWasm(numbers: LuaNumbers): Promise<Uint8Array> {
  const missing = missingWasmPackages();
  if (missing.length > 0) {
    throw new ImageBuildError(3, `missing for Lua as WebAssembly: ${missing.join(", ")}; apt-get install them`);
  }
  const source = editedSource(await luaSource(dist), join(dist, "lua-numbers"), NUMBERS_BY_DEFINE);
  const folder = join(dist, `wasm-${numbers}`);
  mkdirSync(folder, { recursive: true });
  const output = join(folder, "lua.wasm");
  const hash = createHash("sha256");
  for (const name of readdirSync(here, { recursive: true, encoding: "utf8" }).sort()) {
    if (name.endsWith(".h")) hash.update(readFileSync(join(here, name)));
  }
  for (const file of [BODY, BODY.replace(/c$/, "h")]) hash.update(readFileSync(file));
  hash.update(await compile("clang", ["--version"], folder)).update(readFileSync(fileURLToPath(import.meta.url)));
  const wanted = hash.digest("hex");
  const stamp = join(folder, "inputs.sha256");
  if (existsSync(output) && existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return readFileSync(output);
  const flags = [
    "--target=wasm32-wasi",
    "-O2",
    "-w",
    ...LUA_DEFINES,
    ...(numbers === "i32" ? ["-DLUA_32BITS=1"] : []),
    `-I${join(here, "include")}`,
    `-I${source}`,
    "-include",
    join(here, "lua-wasm.h"),
  ];
  const sources = [...LUA.map((name) => join(source, `${name}.c`)), BODY];
  const objects = sources.map((path) => join(folder, `${basename(path, ".c")}.o`));
  await inParallel(
    sources.map((path, i) => () => compile("clang", [...flags, "-c", "-o", objects[i] as string, path], folder)),
  );
  const link = [
    "--target=wasm32-wasi",
    "-mexec-model=reactor",
    "-Wl,--export-table",
    "-Wl,--growable-table",
    "-Wl,--export=__stack_pointer",
    "-Wl,--strip-debug",
    ...EXPORTS.map((name) => `-Wl,--export=${name}`),
  ];
  await compile("clang", [...link, "-o", output, ...objects], folder);
  writeFileSync(stamp, wanted);
  return readFileSync(output);
}

/**
 * The board's slots and store alone, for WebAssembly: the same C as in the RP2040 image, over a flash that the host keeps, so
 * that every power cut can be tried.
 */
export async function buildSlotsWasm(): Promise<Uint8Array> {
  const folder = join(dist, "wasm-slots");
  mkdirSync(folder, { recursive: true });
  const output = join(folder, "slots.wasm");
  writeFileSync(join(folder, "hardware.h"), hardwareHeader("rp2040"));
  const names =
    "malloc frame_init flash_area flash_area_size slots_choose slots_finish slots_confirm store_get store_set";
  const exports = names.split(" ").map((name) => `-Wl,--export=${name}`);
  const port = fileURLToPath(new URL("port", import.meta.url));
  const sources = ["slots.c", "store.c", "sha256.c", "frame.c"].map((name) => join(port, name));
  const flags = ["--target=wasm32-wasi", "-mexec-model=reactor", "-O2", "-std=c11", `-I${folder}`, `-I${port}`];
  await compile("clang", [...flags, ...exports, "-o", output, ...sources, join(here, "flash-shim.c")], folder);
  return readFileSync(output);
}

/** The board's C codec alone, for WebAssembly: the same `frame.c` as in the images, so that vectors go through it anywhere. */
export async function buildCodecWasm(): Promise<Uint8Array> {
  const folder = join(dist, "wasm-codec");
  mkdirSync(folder, { recursive: true });
  const output = join(folder, "codec.wasm");
  const exports = ["malloc", "frame_init", "frame_seal", "frame_unseal", "deframe"].map(
    (name) => `-Wl,--export=${name}`,
  );
  const source = fileURLToPath(new URL("port/frame.c", import.meta.url));
  await compile(
    "clang",
    ["--target=wasm32-wasi", "-mexec-model=reactor", "-O2", "-std=c11", ...exports, "-o", output, source],
    folder,
  );
  return readFileSync(output);
}
