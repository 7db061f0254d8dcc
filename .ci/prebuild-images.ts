import {
  buildCodecWasm,
  buildImage,
  buildLuaWasm,
  missingImagePackages,
  missingWasmPackages,
} from "../firmware/lua-runtime/index.ts";

/** Builds everything once before the suite: its files run side by side, and would build the same folders side by side. */
export default async function setup(): Promise<void> {
  // A board at a port needs no image.
  if (process.env["MLTB_PORT"] !== undefined) return;
  if (missingImagePackages().length === 0)
    for (const board of ["rp2040", "mps2", "ast1030", "lm3s6965"] as const) await buildImage(board);
  if (missingWasmPackages().length === 0) {
    for (const numbers of ["i64", "i32"] as const) await buildLuaWasm(numbers);
    await buildCodecWasm();
  }
}
