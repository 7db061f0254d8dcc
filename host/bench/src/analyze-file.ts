import { type Analysis, analyzeModel } from "./onnx/index.ts";
import { analyzeTflite } from "./tflite/analyze.ts";
import { isTflite } from "./tflite/reader.ts";

/** What can be told of an ONNX or TFLite file without running it; throws where it is neither, or a count would be a guess. */
export function analyzeFile(bytes: Uint8Array): Analysis {
  return isTflite(bytes) ? analyzeTflite(bytes) : analyzeModel(bytes);
}
