import ort from "onnxruntime-node";
import { readOnnx } from "./onnx-file.ts";
import { type OrtSession, onnxModel, type TensorConstructor } from "./onnx-session.ts";
import type { Runtime } from "./runtime.ts";

/** ONNX Runtime, native CPU build. */
export const runtime: Runtime = {
  name: "onnxruntime",
  version: ort.env.versions.node ?? "unknown",
  async load({ file, threads }) {
    const { model, names, externalData } = readOnnx(file);
    const session = await ort.InferenceSession.create(model, {
      executionProviders: ["cpu"],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      graphOptimizationLevel: "all",
      logSeverityLevel: 3,
      ...(externalData.length > 0 ? { externalData } : {}),
    });
    return onnxModel(session as unknown as OrtSession, ort.Tensor as unknown as TensorConstructor, names);
  },
};
