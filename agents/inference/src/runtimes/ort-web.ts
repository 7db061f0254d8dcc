import * as ort from "onnxruntime-web";
import { readOnnx } from "./onnx-file.ts";
import { type OrtSession, onnxModel, type TensorConstructor } from "./onnx-session.ts";
import type { Runtime } from "./runtime.ts";

/** ONNX Runtime's WebAssembly build, in Node; one thread, because its worker threads need a browser. */
export const runtime: Runtime = {
  name: "onnxruntime-web",
  version: ort.env.versions.web ?? "unknown",
  async load({ file }) {
    ort.env.wasm.numThreads = 1;
    ort.env.logLevel = "error";
    const { model, names, externalData } = readOnnx(file);
    const session = await ort.InferenceSession.create(model, {
      executionProviders: ["wasm"],
      graphOptimizationLevel: "all",
      ...(externalData.length > 0 ? { externalData } : {}),
    });
    return onnxModel(session as unknown as OrtSession, ort.Tensor as unknown as TensorConstructor, names);
  },
};
