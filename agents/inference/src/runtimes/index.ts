import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { type PythonTool, toolPython } from "@mltb/agent-kit";
import type { ForeignServer } from "./runtime.ts";

const main = fileURLToPath(new URL("../process/main.ts", import.meta.url));
const litertMain = fileURLToPath(new URL("./litert.py", import.meta.url));
const require = createRequire(import.meta.url);

/** LiteRT's Python wheel with all that it needs, resolved on Python 3.11. */
export const litertTool: PythonTool = {
  name: "litert",
  version: "2.3.0",
  pins: [
    "ai-edge-litert==2.3.0",
    "backports.strenum==1.2.8",
    "flatbuffers==25.12.19",
    "ml_dtypes==0.6.0",
    "numpy==2.4.6",
    "protobuf==7.36.2",
    "tqdm==4.70.1",
    "typing_extensions==4.16.0",
  ],
};

/** A runtime as the command line and a bay file name it. */
interface Choice {
  /** Ending of the model files that it takes. */
  extension: ".onnx" | ".tflite";
  /** `<project>_<format>` as the Open Inference Protocol wants it. */
  platform: string;
  backend: string;
  /** The package whose version a birth shows before a model is loaded. */
  npm?: string;
  /** Threads that it uses whatever is asked for; 0 where a foreign server decides and does not tell. */
  threads?: number;
}

const onnx = { extension: ".onnx", platform: "onnxruntime_onnx", backend: "onnxruntime" } as const;
const choices: Record<string, Choice> = {
  ort: { ...onnx, npm: "onnxruntime-node" },
  "ort-web": { ...onnx, npm: "onnxruntime-web", threads: 1 },
  litert: { extension: ".tflite", platform: "litert_tflite", backend: "litert" },
};
/** A foreign server: the models are its own, or files that it is handed. */
const foreign: Choice = { ...onnx, platform: "oip_remote", backend: "oip", threads: 0 };

/** Names of the runtimes, for help and errors. */
export const runtimeNames = Object.keys(choices);

/** The foreign server where a runtime is `oip://HOST:PORT`, or `oips://HOST:PORT` for one over TLS. */
export function foreignServer(
  runtime: string,
  files: { oipCa?: string | undefined; oipTokenFile?: string | undefined } = {},
): ForeignServer | undefined {
  const [, scheme, address] = /^(oips?):\/\/([^/\s]+:\d+)\/?$/.exec(runtime) ?? [];
  if (address === undefined) return undefined;
  const { oipCa: ca, oipTokenFile: token_file } = files;
  return {
    address,
    tls: scheme === "oips",
    ...(ca === undefined ? {} : { ca }),
    ...(token_file === undefined ? {} : { token_file }),
  };
}

export function isRuntime(runtime: string): boolean {
  return Object.hasOwn(choices, runtime) || foreignServer(runtime) !== undefined;
}

export function runtimeChoice(runtime: string): Choice {
  const found = foreignServer(runtime) === undefined ? choices[runtime] : foreign;
  if (found === undefined) throw new Error(`there is no runtime ${runtime}`);
  return found;
}

/** Threads inside an operator that a runtime uses when so many are asked for; 0 where nobody knows. */
export function threadsOf(runtime: string, asked: number): number {
  return runtimeChoice(runtime).threads ?? asked;
}

/** Name and version of a runtime before any model is loaded. */
export function runtimeIdentity(runtime: string): { name: string; version: string } {
  const { npm } = runtimeChoice(runtime);
  if (runtime === "litert") return { name: litertTool.name, version: litertTool.version };
  if (npm === undefined) return { name: runtime, version: "" };
  // The packages export no package.json; it lies beside the folder of their entry.
  const entry = require.resolve(npm);
  const folder = entry.slice(0, entry.lastIndexOf(`/node_modules/${npm}/`) + `/node_modules/${npm}/`.length);
  const { version } = require(`${folder}package.json`) as { version: string };
  return { name: npm, version };
}

/** What runs a runtime's own code, with its versions; undefined where that is no program of ours. */
export function engineOf(runtime: string): string | undefined {
  if (runtime === "litert" || foreignServer(runtime) !== undefined) return undefined;
  return `node ${process.versions.node}, v8 ${process.versions.v8}`;
}

/** Why a runtime cannot be used here, with the mend; undefined where it can. */
export function runtimeMissing(runtime: string): string | undefined {
  const missing = runtime === "litert" && toolPython(litertTool) === undefined;
  return missing ? "LiteRT is not installed here; run: mltb tools install litert" : undefined;
}

/** The program of a model's process, and whether it must reach a network. */
export function programOf(runtime: string): { program: string[]; needsNetwork: boolean } {
  if (runtime === "litert") return { program: [toolPython(litertTool) ?? "python3", litertMain], needsNetwork: false };
  return { program: [process.execPath, main], needsNetwork: foreignServer(runtime) !== undefined };
}
