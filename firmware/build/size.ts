import { readFileSync } from "node:fs";
import { createLuaBoard, createMonitoringElectronics, createRp2040Board, type LuaBoardOptions } from "@mltb/simulators";
import { buildImage, type Image, imageBoards, inOneLine, missingImagePackages } from "../lua-runtime/build.ts";
import {
  countInstructions,
  INSTRUCTION_BUDGETS,
  type Instructions,
  missingGaugePackages,
} from "../lua-runtime/gauge.ts";
import { buildLuaWasm, missingWasmPackages } from "../lua-runtime/lua-wasm.ts";
import { buildBundle } from "./bundle.ts";
import { differing, provenance } from "./provenance.ts";
import { readResults } from "./results.ts";
import type { Budget, Sizes } from "./size-document.ts";
import { measureFloor } from "./size-floor.ts";

/** Features of the transpiler's runtime library that the bundles use; the list follows them on purpose or the gate fails. */
const allowed = JSON.parse(readFileSync(new URL("../lualib-used.json", import.meta.url), "utf8")) as string[];

/** Lua that strips a bundle to bytecode and hands it out. */
function stripper(source: string): string {
  const quoted = "=".repeat(8);
  return `return {boot = function(hal)
  hal.code(string.dump(load([${quoted}[\n${inOneLine(source)}]${quoted}], "=bundle"), true))
  return {}
end}`;
}

/** Lua that boots bytecode, collects twice and reports the bytes that the heap then holds. */
const BOOTER = `return {boot = function(hal)
  local running = load(hal.bytecode())().boot(hal)
  collectgarbage("collect")
  collectgarbage("collect")
  hal.report(math.floor(collectgarbage("count") * 1024))
  return running
end}`;

/** Features of the transpiler's runtime library in a bundle. */
function lualibOf(source: string): string[] {
  return [...new Set(source.match(/__TS__[A-Za-z0-9]+/g) ?? [])].sort();
}

/** Whether the committed list names exactly these features. */
function listed(used: string[]): boolean {
  return [...new Set(used)].sort().join() === [...allowed].sort().join();
}

/** What a Lua state in WebAssembly takes for the bundle, as stripped bytecode in its heap. */
interface StateSizes {
  bytecode_bytes: number;
  heap_boot_bytes: number;
  heap_peak_bytes: number;
}

/** Bytes in the heap after boot and collection, and the most that it ever held, with neither source nor compiler in it. */
async function stateSizes(source: string, lua?: LuaBoardOptions["lua"]): Promise<StateSizes> {
  let bytecode = "";
  let collected = 0;
  const hal = {
    ...createMonitoringElectronics(1, []).hal,
    serial: () => "SIZE",
    epoch: () => 0,
    reset_cause: () => 0,
    link_write: () => undefined,
    link_room: () => 0,
    heap_bytes: () => 0,
    code(stripped: string) {
      bytecode = stripped;
    },
    bytecode: () => bytecode,
    report(bytes: number) {
      collected = bytes;
    },
  };
  const run = async (bundle: string): Promise<number> => {
    const board = await createLuaBoard({ bundle, hal, lua });
    const { peak_bytes } = board.heap();
    board.close();
    return peak_bytes;
  };
  await run(stripper(source));
  await run(BOOTER);
  return { bytecode_bytes: bytecode.length, heap_boot_bytes: collected, heap_peak_bytes: await run(bytecode) };
}

function budget(name: string, limit: number, value: number | null, reason?: string): Budget {
  return {
    name,
    limit,
    value,
    ok: value === null ? null : value <= limit,
    ...(reason === undefined ? {} : { reason }),
  };
}

/** Allocator of the image and processor: what only the long form of the image suite measures, where it is of these sources. */
async function measuredByTests(): Promise<Budget[]> {
  const images = readResults()["long-images"];
  const stale = differing(images?.of, await provenance()).length > 0;
  const percent = images?.figures?.["sampling_chain_cpu_share"];
  // The allocator of the image refuses more than its cap: the suite passes only where that is enough.
  const passed = images?.failed === 0;
  const values = [
    [
      "rp2040 scenario suite, cap of the allocator in bytes",
      180_000,
      passed ? imageBoards.rp2040.heap_cap_bytes : null,
    ],
    ["rp2040 20 kHz x 8 stream, per cent of the core", 45, percent === undefined ? null : 100 * percent],
  ] as const;
  const reason = "docs/results/long-images.json is of other sources: npm run test:images -- --long";
  return values.map(([name, limit, value]) => {
    const known = stale ? null : value;
    return budget(name, limit, known, ...(known === null ? [reason] : []));
  });
}

/** RAM that an image takes, whatever Lua asks for of the heap's part of it. */
function ramOf(image: Pick<Image, "static_ram_bytes" | "heap_ram_bytes"> | null): number | null {
  return image === null ? null : image.static_ram_bytes + image.heap_ram_bytes;
}

/** Boots the image in the emulated chip and takes the heap that it reports after a full collection. */
function imageHeap(image: Image): number {
  let heap = Number.NaN;
  const board = createRp2040Board({
    image: readFileSync(image.bin),
    electronics: createMonitoringElectronics(1, []),
    link: { take: () => undefined, write: () => undefined, room: () => 0 },
    onDebug: (line) => {
      const [, bytes] = /^heap +0*(\d+)$/.exec(line) ?? [];
      if (bytes !== undefined) heap = Number(bytes);
    },
  });
  for (let ms = 0; ms < 500 && Number.isNaN(heap); ms += 10) board.run(10_000);
  if (Number.isNaN(heap)) throw new Error("the image did not report its heap within 500 ms of its own time");
  return heap;
}

/**
 * Builds the bundles and measures them. The heap after boot with 64-bit numbers is what the image itself reports in the
 * emulated chip, where code is executed in flash; without a cross compiler it is not known. Its peak, and all of 32-bit
 * numbers, are those of a Lua state in WebAssembly, whose pointers have four bytes too and which holds the code in its heap.
 */
export async function measureSizes(): Promise<Sizes> {
  const bundle = await buildBundle("monitoring");
  const wide = await stateSizes(bundle.source);
  // The size of the product's bytecode; with 32-bit numbers it is another.
  const product = wide.bytecode_bytes;
  const narrow =
    missingWasmPackages().length > 0
      ? null
      : await stateSizes(bundle.source, { wasm: await buildLuaWasm("i32"), numbers: "i32" });
  const lualib = lualibOf(bundle.source);
  const missing = missingImagePackages();
  const image: Image | null = missing.length === 0 ? await buildImage("rp2040") : null;
  const heap = image === null ? null : imageHeap(image);
  const noImage = `the toolchain is not installed: apt-get install ${missing.join(" ")}`;
  const missingGauge = missingGaugePackages();
  const counted = missingGauge.length === 0 ? await countInstructions() : null;
  const notInstalled = `not installed: apt-get install ${missingGauge.join(" ")}`;
  const instructions = Object.entries(INSTRUCTION_BUDGETS).map(([name, limit]) => {
    const value = counted === null ? null : counted[name as keyof Instructions];
    return budget(`${name} instructions`, limit, value, ...(value === null ? [notInstalled] : []));
  });
  const floor = await measureFloor();
  const floorImage = floor.images.find(({ board }) => board === "lm3s6965");
  const why = (value: number | null): string[] => (value === null ? [floor.reason] : []);
  return {
    bundles: [
      {
        name: bundle.name,
        source_lines: bundle.sourceLines,
        bytecode_bytes: product,
        heap_boot_bytes: { i64: heap, i32: narrow?.heap_boot_bytes ?? null },
        heap_peak_bytes: { i64: wide.heap_peak_bytes, i32: narrow?.heap_peak_bytes ?? null },
        lualib,
      },
      {
        name: "floor",
        source_lines: floor.source_lines,
        bytecode_bytes: floor.bytecode_bytes,
        heap_boot_bytes: floor.heap_boot_bytes,
        heap_peak_bytes: floor.heap_peak_bytes,
        lualib: floor.lualib,
      },
    ],
    images: [...(image === null ? [] : [image]), ...floor.images].map(
      ({ board, text, data, bss, static_ram_bytes, image_bytes }) => ({
        board,
        text,
        data,
        bss,
        static_ram_bytes,
        image_bytes,
      }),
    ),
    instructions: counted ?? { ping: null, echo64: null, block100x8: null, worst_dispatch: null },
    budgets: [
      budget("monitoring bytecode_bytes", 80_000, product),
      budget("monitoring heap_boot_bytes i64", 145_000, heap, ...(heap === null ? [noImage] : [])),
      budget("lualib features other than in lualib-used.json", 0, listed([...lualib, ...floor.lualib]) ? 0 : 1),
      // 250 of the chip's 264 KiB.
      budget("rp2040 static, stack and heap bytes", 256_000, ramOf(image), ...(image === null ? [noImage] : [])),
      budget("floor bytecode_bytes", 22_000, floor.bytecode_bytes, ...why(floor.bytecode_bytes)),
      budget("floor heap_boot_bytes i32", 48_000, floor.heap_boot_bytes.i32, ...why(floor.heap_boot_bytes.i32)),
      budget(
        "lm3s6965 static, stack and heap bytes",
        65_536,
        ramOf(floorImage ?? null),
        ...(floorImage === undefined ? [floor.reason] : []),
      ),
      ...instructions,
      ...(await measuredByTests()),
    ],
  };
}
