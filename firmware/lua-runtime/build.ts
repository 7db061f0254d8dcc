import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type BoardName, buildBundle } from "../build/bundle.ts";
import { compile, dist, inParallel, LUA, LUA_DEFINES } from "./compile.ts";
import { ImageBuildError } from "./errors.ts";
import { gaugeLoadHeader } from "./gauge-load.ts";
import { hardwareHeader } from "./hardware-header.ts";
import {
  CODE_IN_PLACE,
  editedSource,
  luaSource,
  NUMBERS_BY_DEFINE,
  STACK_KEPT,
  VALUES_OF_TWELVE,
} from "./lua-source.ts";
import { flashContent, uf2 } from "./uf2.ts";

const here = fileURLToPath(new URL(".", import.meta.url));

const OWN_WARNINGS = ["-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wconversion", "-Wno-sign-conversion"];

interface ImageBoard {
  bundle: BoardName;
  /** What Lua may allocate; the scenario suite passes with it. */
  heap_cap_bytes: number;
  /** Register header of the controller. */
  machine: string;
  /** Width of Lua's numbers; 32 also means newlib's small allocator and printf. */
  numbers?: 32;
  /** Room for a block between delimiters; without it there is room for the streams'. */
  frame_bytes?: number;
  /** Compiler flags of the controller. */
  cpu: string[];
  sources: string[];
  linkerScript: string;
  /** Second-stage loader; boards without one get no UF2 file. */
  loader?: string;
}

/** Lua's stack: what loading and the deepest call of a bundle need, from the start. */
const STACK_SLOTS = { monitoring: 208, floor: 176 };

const FLOOR_SOURCES = [
  "cortexm.c",
  "firmware.c",
  "frame.c",
  "hal.c",
  "link.c",
  "main.c",
  "pool.c",
  "syscalls.c",
  "bundle.S",
];

/** Boards with an image. */
export const imageBoards = {
  rp2040: {
    bundle: "monitoring",
    heap_cap_bytes: 170_000,
    machine: "rp2040.h",
    cpu: ["-mcpu=cortex-m0plus", "-mthumb"],
    sources: [
      "board.c",
      "body.c",
      "carriers.c",
      "firmware.c",
      "flash.c",
      "frame.c",
      "hal.c",
      "hal_flash.c",
      "hal_sampling.c",
      "i2c.c",
      "link.c",
      "main.c",
      "pl011.c",
      "pool.c",
      "safety.c",
      "sampler.c",
      "sha256.c",
      "slots.c",
      "store.c",
      "syscalls.c",
      "trip.c",
      "usb.c",
      "wave.c",
      "bundle.S",
    ],
    linkerScript: "rp2040.ld",
    loader: "boot2.S",
  },
  // Not a board: the machine on which the firmware's instructions are counted.
  mps2: {
    bundle: "monitoring",
    heap_cap_bytes: 170_000,
    machine: "rp2040.h",
    cpu: ["-mcpu=cortex-m3", "-mthumb"],
    sources: [
      "body.c",
      "firmware.c",
      "frame.c",
      "gauge.c",
      "hal.c",
      "hal_flash.c",
      "hal_sampling.c",
      "pool.c",
      "sha256.c",
      "slots.c",
      "store.c",
      "syscalls.c",
      "wave.c",
      "bundle.S",
    ],
    linkerScript: "mps2.ld",
  },
  ast1030: {
    bundle: "floor",
    heap_cap_bytes: 90_000,
    machine: "ast1030.h",
    cpu: ["-mcpu=cortex-m4", "-mthumb"],
    sources: [...FLOOR_SOURCES, "ast1030.c", "ns16550.c"],
    linkerScript: "ast1030.ld",
    frame_bytes: 256,
  },
  lm3s6965: {
    bundle: "floor",
    heap_cap_bytes: 56_000,
    machine: "lm3s6965.h",
    numbers: 32,
    cpu: ["-mcpu=cortex-m3", "-mthumb"],
    sources: [...FLOOR_SOURCES, "lm3s6965.c", "pl011.c"],
    linkerScript: "lm3s6965.ld",
    frame_bytes: 256,
  },
} satisfies Record<string, ImageBoard>;
export type ImageBoardName = keyof typeof imageBoards;

/** A built image, and the sizes of its sections in bytes. */
export interface Image {
  board: ImageBoardName;
  elf: string;
  /** Flash content from the image's start address, without headers. */
  bin: string;
  /** The same behind its loader, as a file for the boot ROM's USB drive; null where the board has no such drive. */
  uf2: string | null;
  /** Hash of the bundle that it carries, as `buildBundle` gives it. */
  bundle_sha256: string;
  text: number;
  data: number;
  bss: number;
  /** RAM outside the heap: data, bss and stack. */
  static_ram_bytes: number;
  heap_cap_bytes: number;
  /** RAM that the heap lies in: what the cap allows, the map of its words, and room for gaps. */
  heap_ram_bytes: number;
  image_bytes: number;
}

/** Programs that a build needs, with the Debian packages that bring them. */
const imageTools = {
  "arm-none-eabi-gcc": "gcc-arm-none-eabi libnewlib-arm-none-eabi",
  gcc: "gcc libc6-dev",
  "dpkg-source": "dpkg-dev",
  "apt-get": "apt",
} as const;

/** Packages that are missing on this machine; empty when images can be built. */
export function missingImagePackages(): string[] {
  return Object.entries(imageTools)
    .filter(([tool]) => spawnSync(tool, ["--version"], { stdio: "ignore" }).error !== undefined)
    .flatMap(([, packages]) => packages.split(" "));
}

/** The host's luac from the same sources and number configuration: its bytecode loads on the board. */
async function hostLuac(source: string, numbers: 32 | undefined): Promise<string> {
  const luac = join(dist, `luac-in-place${numbers ?? ""}`);
  if (existsSync(luac)) return luac;
  const paths = [...LUA, "luac"].map((name) => join(source, `${name}.c`));
  const mine = `${luac}-${process.pid}`;
  await compile("gcc", ["-O1", "-w", ...luaDefines(numbers), "-o", mine, ...paths, "-lm"], dist);
  renameSync(mine, luac);
  return luac;
}

function luaDefines(numbers: 32 | undefined): string[] {
  return numbers === 32 ? [...LUA_DEFINES, "-DLUA_32BITS=1"] : LUA_DEFINES;
}

/** Lua's sources with the edits for images: functions are executed where they lie in flash. */
async function imageSource(): Promise<string> {
  const edits = [...CODE_IN_PLACE, ...NUMBERS_BY_DEFINE, ...STACK_KEPT, ...VALUES_OF_TWELVE];
  return editedSource(await luaSource(dist), join(dist, "lua-in-place"), edits);
}

/** A packed bundle without its line ends: even stripped bytecode holds the line numbers of each function. */
export function inOneLine(packed: string): string {
  return packed.replaceAll("\n", " ");
}

/** Stripped bytecode of a packed bundle as the images take it: code arrays aligned (`BundleFormat`). */
export async function bundleBytecode(lua: string, numbers?: 32): Promise<Uint8Array> {
  requireTools();
  mkdirSync(dist, { recursive: true });
  const luac = await hostLuac(await imageSource(), numbers);
  const folder = mkdtempSync(join(dist, "bundle-"));
  try {
    writeFileSync(join(folder, "bundle.lua"), inOneLine(lua), "latin1");
    await compile(luac, ["-s", "-o", "bundle.luac", "bundle.lua"], folder);
    return readFileSync(join(folder, "bundle.luac"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function requireTools(): void {
  const missing = missingImagePackages();
  if (missing.length === 0) return;
  throw new ImageBuildError(3, `missing for microcontroller images: ${missing.join(", ")}; apt-get install them`);
}

function inputHash(parts: (string | Buffer)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part).update("\0");
  return hash.digest("hex");
}

async function sizes(
  elf: string,
  folder: string,
): Promise<{ text: number; data: number; bss: number; ram: number; heap: number }> {
  const berkeley = await compile("arm-none-eabi-size", [elf], folder);
  const [readable = 0, writable = 0, bss = 0] = (berkeley.split("\n")[1] ?? "").trim().split(/\s+/).map(Number);
  const symbols = await compile("arm-none-eabi-nm", [elf], folder);
  const address = (name: string): number =>
    Number.parseInt(symbols.match(new RegExp(`^([0-9a-f]+) . ${name}$`, "m"))?.[1] ?? "0", 16);
  const stack = address("__stack_top") - address("__heap_end");
  // Code that runs in RAM makes the tool count its whole section as text.
  const data = address("__data_end") - address("__data_start");
  const heap = address("__heap_end") - address("__heap_start");
  return { text: readable + writable - data, data, bss, ram: data + bss + stack, heap };
}

/** What every file of an image is compiled with; `folder` holds what was generated for the board. */
function commonFlags(board: ImageBoardName, folder: string): string[] {
  const { cpu, numbers, bundle } = imageBoards[board] as ImageBoard;
  return [
    ...cpu,
    "-O2",
    "-fno-gcse",
    "-g",
    "-ffunction-sections",
    "-fdata-sections",
    "-ffreestanding",
    ...(numbers === 32 ? ["-DLUA_32BITS=1"] : []),
    `-DSTACK_KEPT=${STACK_SLOTS[bundle]}`,
    `-I${join(dist, "lua-in-place")}`,
    `-I${folder}`,
  ];
}

/** What the port's own files are compiled with: all of the above, and every warning is an error. */
export function portFlags(board: ImageBoardName, folder: string, bundleSha256: string): string[] {
  const { machine, heap_cap_bytes, frame_bytes } = imageBoards[board] as ImageBoard;
  return [
    ...commonFlags(board, folder),
    ...OWN_WARNINGS,
    "-std=c11",
    // State of a file is reached from one base address instead of one literal each.
    "-fno-data-sections",
    "-fsection-anchors",
    `-DBUNDLE_SHA256="${bundleSha256}"`,
    `-DHEAP_CAP_BYTES=${heap_cap_bytes}u`,
    `-DMACHINE="${machine}"`,
    ...(frame_bytes === undefined ? [] : [`-DFRAME_MAX=${frame_bytes}u`, "-DPACKED_BUNDLE"]),
    `-Wa,-I${folder}`,
  ];
}

async function build(board: ImageBoardName, source: string, folder: string, bundleSha256: string): Promise<void> {
  const { cpu, sources, linkerScript, numbers } = imageBoards[board] as ImageBoard;
  const objects: string[] = [];
  const jobs: (() => Promise<unknown>)[] = [];
  const add = (name: string, args: string[], path: string): void => {
    const object = join(folder, `${name}.o`);
    objects.push(object);
    jobs.push(() => compile("arm-none-eabi-gcc", [...args, "-c", "-o", object, path], folder));
  };
  for (const name of LUA) add(name, [...commonFlags(board, folder), ...luaDefines(numbers)], join(source, `${name}.c`));
  const own = portFlags(board, folder, bundleSha256);
  for (const name of sources) add(name.replace(/\..*/, ""), own, join(here, "port", name));
  await inParallel(jobs);
  const library = ["--specs=nosys.specs", ...(numbers === 32 ? ["--specs=nano.specs"] : [])];
  const link = [...library, "-nostartfiles", "-Wl,--gc-sections", `-Wl,-Map=${join(folder, "image.map")}`];
  const script = ["-L", join(here, "port"), "-T", join(here, "port", linkerScript)];
  const elf = join(folder, "image.elf");
  await compile("arm-none-eabi-gcc", [...cpu, ...link, ...script, ...objects, "-lm", "-o", elf], folder);
  await compile("arm-none-eabi-objcopy", ["-O", "binary", elf, join(folder, "image.bin")], folder);
}

/** The second-stage loader, and the file that a person copies to the board. */
async function buildUf2(board: ImageBoardName, source: string, folder: string): Promise<void> {
  const object = join(folder, "loader.o");
  const loader = join(folder, "loader.bin");
  await compile(
    "arm-none-eabi-gcc",
    [...imageBoards[board].cpu, "-c", "-o", object, join(here, "port", source)],
    folder,
  );
  await compile("arm-none-eabi-objcopy", ["-O", "binary", "-j", ".boot2", object, loader], folder);
  const flash = flashContent(readFileSync(loader), readFileSync(join(folder, "image.bin")));
  writeFileSync(join(folder, "image.uf2"), uf2(flash));
}

/**
 * Builds the image of a board: Lua, the C port and the bytecode of the same bundle that simulated boards run. An
 * earlier image of the same inputs is returned as it is.
 */
export async function buildImage(board: ImageBoardName): Promise<Image> {
  requireTools();
  const folder = join(dist, board);
  mkdirSync(folder, { recursive: true });
  const source = await imageSource();
  const bundle = await buildBundle(imageBoards[board].bundle);
  const own = readdirSync(join(here, "port")).sort();
  const compilers = await Promise.all(["gcc", "arm-none-eabi-gcc"].map((name) => compile(name, ["--version"], folder)));
  const wanted = inputHash([
    ...own.flatMap((name) => [name, readFileSync(join(here, "port", name))]),
    ...compilers,
    bundle.sha256,
    hardwareHeader(board),
    gaugeLoadHeader(),
    ...["build.ts", "lua-source.ts", "uf2.ts", "compile.ts"].map((name) => readFileSync(join(here, name))),
  ]);
  const stamp = join(folder, "inputs.sha256");
  const elf = join(folder, "image.elf");
  const bin = join(folder, "image.bin");
  if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== wanted || !existsSync(bin)) {
    writeFileSync(join(folder, "hardware.h"), hardwareHeader(board));
    writeFileSync(join(folder, "gauge-load.h"), gaugeLoadHeader());
    const luac = await hostLuac(source, (imageBoards[board] as ImageBoard).numbers);
    writeFileSync(join(folder, "bundle.lua"), inOneLine(bundle.source), "latin1");
    await compile(luac, ["-s", "-o", "bundle.luac", "bundle.lua"], folder);
    const bytecode = readFileSync(join(folder, "bundle.luac"));
    writeFileSync(join(folder, "bundle.sha256"), createHash("sha256").update(bytecode).digest());
    await build(board, source, folder, bundle.sha256);
    const { loader } = imageBoards[board] as ImageBoard;
    if (loader !== undefined) await buildUf2(board, loader, folder);
    writeFileSync(stamp, wanted);
  }
  const { text, data, bss, ram, heap } = await sizes(elf, folder);
  return {
    board,
    elf,
    bin,
    uf2: "loader" in imageBoards[board] ? join(folder, "image.uf2") : null,
    bundle_sha256: bundle.sha256,
    text,
    data,
    bss,
    static_ram_bytes: ram,
    heap_cap_bytes: imageBoards[board].heap_cap_bytes,
    heap_ram_bytes: heap,
    image_bytes: readFileSync(bin).length,
  };
}
