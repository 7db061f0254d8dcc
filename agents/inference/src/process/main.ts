// The process of one model, started by the agent. It ends when the agent's end of the channel closes, whatever the reason.
import { existsSync } from "node:fs";
import { Socket } from "node:net";
import { RequestError } from "../runtimes/onnx-session.ts";
import type { LoadedModel, Runtime, Tensor } from "../runtimes/runtime.ts";
import { bodyParts, Channel } from "./channel.ts";
import { countTensorsWithHeap } from "./collector.ts";
import { measure } from "./measure.ts";
import { type ModelReply, type ModelRequest, packTensors, type TensorHead } from "./messages.ts";

countTensorsWithHeap();
const CHANNEL_FD = 3;
const CPU_EVERY_MS = 5;

let model: LoadedModel | undefined;
/** Requests are served one after another: two at a time would fall into each other's windows. */
let last: Promise<void> = Promise.resolve();
let cancel = new AbortController();

const socket = new Socket({ fd: CHANNEL_FD, readable: true, writable: true });
const channel = new Channel(socket, (header, body) => {
  const { call, request } = header as { call: number; request: ModelRequest };
  if (request.op === "cancel") {
    cancel.abort();
    return;
  }
  last = last.then(() =>
    serve(call, request, body).catch((error: Error) => {
      const fault = error instanceof RequestError ? "request" : "model";
      send({ call, kind: "failed", message: error.message, fault });
    }),
  );
});

function send(reply: ModelReply, parts?: readonly Uint8Array[]): void {
  channel.send(reply, parts);
}

async function runtimeNamed(name: string): Promise<Runtime> {
  if (name === "ort") return (await import("../runtimes/ort.ts")).runtime;
  if (name === "ort-web") return (await import("../runtimes/ort-web.ts")).runtime;
  if (/^oips?:/.test(name)) return (await import("../runtimes/oip.ts")).runtime;
  throw new Error(`there is no runtime ${name}`);
}

function tensorsOf(heads: readonly TensorHead[], body: Uint8Array): Tensor[] {
  const parts = bodyParts(
    body,
    heads.map((head) => head.bytes),
  );
  return heads.map(({ type, dims }, i) => ({ type, dims, data: parts[i] as Uint8Array }));
}

async function serve(call: number, request: Exclude<ModelRequest, { op: "cancel" }>, body: Uint8Array): Promise<void> {
  if (request.op === "load") {
    const started = performance.now();
    const runtime = await runtimeNamed(request.runtime);
    model = await runtime.load(request);
    const { inputs, outputs } = model;
    const { name, version } = runtime;
    send({ call, kind: "loaded", inputs, outputs, runtime: { name, version }, load_ms: performance.now() - started });
    return;
  }
  if (model === undefined) throw new Error("no model is loaded");
  if (request.op === "infer") {
    const t0 = process.hrtime.bigint();
    const feed = model.prepare(tensorsOf(request.tensors, body));
    const t1 = process.hrtime.bigint();
    const result = await model.run(feed);
    const t2 = process.hrtime.bigint();
    const { heads, parts } = packTensors(model.read(result));
    const t3 = process.hrtime.bigint();
    const [pre_ns, inference_ns, post_ns] = [Number(t1 - t0), Number(t2 - t1), Number(t3 - t2)];
    send({ call, kind: "inferred", tensors: heads, pre_ns, inference_ns, post_ns }, parts);
    return;
  }
  cancel = new AbortController();
  // All sets of a request stand in one body.
  const all = tensorsOf(request.spec.sets.flat(), body);
  let next = 0;
  const sets = request.spec.sets.map((set) => {
    next += set.length;
    return all.slice(next - set.length, next);
  });
  await measure(model, request.spec, sets, call, send, cancel.signal);
}

socket.on("end", () => process.exit(0));
socket.on("error", () => process.exit(0));
// A terminal's Ctrl-C reaches the whole group; the agent decides when its models end.
process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => undefined);

if (!existsSync(`/proc/${process.pid}/schedstat`)) {
  setInterval(() => {
    const { user, system } = process.cpuUsage();
    const cpu_ns = (BigInt(user + system) * 1000n).toString();
    send({ kind: "cpu-time", cpu_ns, at_ns: process.hrtime.bigint().toString() });
  }, CPU_EVERY_MS).unref();
}
