/** ONNX files: reading, generating, analysing. */
export { type Analysis, analyzeModel, UnknownOperatorError } from "./analyze.ts";
export { type GeneratedName, generatedModels, generateModel } from "./generate.ts";
