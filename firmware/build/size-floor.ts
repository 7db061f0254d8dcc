import { setTimeout as sleep } from "node:timers/promises";
import { createFloorBoard, createQemuBoard, missingQemuPackages } from "@mltb/simulators";
import { buildImage, bundleBytecode, type Image, missingImagePackages } from "../lua-runtime/build.ts";
import { buildLuaWasm, missingWasmPackages } from "../lua-runtime/lua-wasm.ts";
import { buildBundle } from "./bundle.ts";

/** What is measured of the floor bundle and its two images; null where a tool is missing. */
export interface FloorSizes {
  source_lines: number;
  /** Stripped bytecode with 32-bit numbers, as the LM3S6965 carries it. */
  bytecode_bytes: number | null;
  heap_boot_bytes: { i64: number | null; i32: number | null };
  heap_peak_bytes: { i64: number; i32: number | null };
  images: Image[];
  lualib: string[];
  /** Why something is null. */
  reason: string;
}

/** The heap that an image reports on its debug line after a full collection. */
async function imageHeap(machine: "ast1030" | "lm3s6965", image: Image): Promise<number> {
  const board = await createQemuBoard({ machine, image: image.bin });
  try {
    for (let tries = 0; tries < 200; tries += 1) {
      const [, bytes] = /^heap +0*(\d+)$/.exec(board.debug()[0] ?? "") ?? [];
      if (bytes !== undefined) return Number(bytes);
      await sleep(25);
    }
  } finally {
    await board.close();
  }
  throw new Error(`the ${machine} image did not report its heap within five seconds`);
}

/** Measures the floor bundle. The heap after boot is what the images report in QEMU, the peak that of Lua boards in Node. */
export async function measureFloor(): Promise<FloorSizes> {
  const bundle = await buildBundle("floor");
  const peak = async (lua?: { wasm: Uint8Array; numbers: "i32" }): Promise<number> => {
    const { board } = await createFloorBoard({ bundle: bundle.source, serial: "SIZE", lua });
    const bytes = board.heap().peak_bytes;
    board.close();
    return bytes;
  };
  const tools = missingImagePackages();
  const missing = [...tools, ...missingQemuPackages()];
  const images = tools.length > 0 ? [] : [await buildImage("ast1030"), await buildImage("lm3s6965")];
  const [large, small] = images;
  const run = missing.length === 0 && large !== undefined && small !== undefined;
  const narrow = missingWasmPackages().length === 0;
  return {
    source_lines: bundle.sourceLines,
    bytecode_bytes: tools.length > 0 ? null : (await bundleBytecode(bundle.source, 32)).length,
    heap_boot_bytes: {
      i64: run ? await imageHeap("ast1030", large) : null,
      i32: run ? await imageHeap("lm3s6965", small) : null,
    },
    heap_peak_bytes: {
      i64: await peak(),
      i32: narrow ? await peak({ wasm: await buildLuaWasm("i32"), numbers: "i32" }) : null,
    },
    images,
    lualib: [...new Set(bundle.source.match(/__TS__[A-Za-z0-9]+/g) ?? [])].sort(),
    reason: `not installed: apt-get install ${missing.join(" ")}`,
  };
}
