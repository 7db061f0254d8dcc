import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../process/main.ts", import.meta.url));
const require = createRequire(import.meta.url);

/** A runtime as the command line and a bay file name it. */
interface Choice {
  /** Ending of the model files that it takes. */
  extension: ".onnx" | ".tflite";
  /** `<project>_<format>` as the Open Inference Protocol wants it. */
  platform: string;
  backend: string;
  /** The package whose version a birth shows before a model is loaded. */
  npm?: string;
}

const onnx = { extension: ".onnx", platform: "onnxruntime_onnx", backend: "onnxruntime" } as const;
const choices: Record<string, Choice> = {
  ort: { ...onnx, npm: "onnxruntime-node" },
  "ort-web": { ...onnx, npm: "onnxruntime-web" },
};
/** A foreign server: the models are its own, or files that it is handed. */
const foreign: Choice = { ...onnx, platform: "oip_remote", backend: "oip" };

/** Names of the runtimes, for help and errors. */
export const runtimeNames = Object.keys(choices);

/** HOST:PORT of a foreign server where a runtime is `oip://HOST:PORT`. */
export function endpointOf(runtime: string): string | undefined {
  return /^oip:\/\/([^/\s]+:\d+)\/?$/.exec(runtime)?.[1];
}

export function isRuntime(runtime: string): boolean {
  return runtime in choices || endpointOf(runtime) !== undefined;
}

export function runtimeChoice(runtime: string): Choice {
  const found = endpointOf(runtime) === undefined ? choices[runtime] : foreign;
  if (found === undefined) throw new Error(`there is no runtime ${runtime}`);
  return found;
}

/** Name and version of a runtime before any model is loaded. */
export function runtimeIdentity(runtime: string): { name: string; version: string } {
  const { npm } = runtimeChoice(runtime);
  if (npm === undefined) return { name: runtime, version: "" };
  // The packages export no package.json; it lies beside the folder of their entry.
  const entry = require.resolve(npm);
  const folder = entry.slice(0, entry.lastIndexOf(`/node_modules/${npm}/`) + `/node_modules/${npm}/`.length);
  const { version } = require(`${folder}package.json`) as { version: string };
  return { name: npm, version };
}

/** The program of a model's process, and whether it must reach a network. */
export function programOf(runtime: string): { program: string[]; needsNetwork: boolean } {
  return { program: [process.execPath, main], needsNetwork: endpointOf(runtime) !== undefined };
}
