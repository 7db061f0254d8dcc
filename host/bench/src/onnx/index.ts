/** ONNX files: reading, generating, analysing. */
export { type Analysis, analyzeModel, UnknownOperatorError } from "./analyze.ts";
export {
  type GeneratedName,
  generateDensenetStandIn,
  generatedModels,
  generateModel,
  generateRelu,
} from "./generate.ts";
export { quantizeDynamic } from "./quantize-dynamic.ts";
export { quantizeStatic, rangesModel, recalibrate } from "./quantize-static.ts";
