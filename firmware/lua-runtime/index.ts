/** Microcontroller images: the door for tests and commands that need a cross compiler. */
export {
  buildImage,
  bundleBytecode,
  type Image,
  type ImageBoardName,
  imageBoards,
  missingImagePackages,
  portFlags,
} from "./build.ts";
export { ImageBuildError, isToolMissing } from "./errors.ts";
export { countInstructions, INSTRUCTION_BUDGETS, type Instructions, missingGaugePackages } from "./gauge.ts";
export { buildCodecWasm, buildLuaWasm, buildSlotsWasm, type LuaNumbers, missingWasmPackages } from "./lua-wasm.ts";
