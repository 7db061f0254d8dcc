// The process of one model, forked by the agent. It ends when the agent's end of the channel closes, whatever the reason.
import { existsSync, readFileSync } from "node:fs";
import type { LoadedModel, Runtime } from "../runtimes/runtime.ts";
import { measure } from "./measure.ts";
import type { ModelReply, ModelRequest } from "./messages.ts";

const CPU_EVERY_MS = 5;

let model: LoadedModel | undefined;

function send(reply: ModelReply): void {
  process.send?.(reply);
}

async function runtimeNamed(name: string): Promise<Runtime> {
  if (name === "ort") return (await import("../runtimes/ort.ts")).runtime;
  if (name === "ort-web") return (await import("../runtimes/ort-web.ts")).runtime;
  throw new Error(`there is no runtime ${name}`);
}

async function serve(call: number, request: ModelRequest): Promise<void> {
  if (request.op === "load") {
    const started = performance.now();
    const runtime = await runtimeNamed(request.runtime);
    model = await runtime.load(readFileSync(request.file), request.threads);
    const { inputs, outputs } = model;
    const { name, version } = runtime;
    send({ call, kind: "loaded", inputs, outputs, runtime: { name, version }, load_ms: performance.now() - started });
    return;
  }
  if (model === undefined) throw new Error("no model is loaded");
  if (request.op === "infer") {
    const result = await model.run(model.prepare(request.tensors));
    // Copied: some runtimes hand out views of memory that the next call overwrites.
    const outputs = model.read(result).map((tensor) => ({ ...tensor, data: Uint8Array.from(tensor.data) }));
    send({ call, kind: "inferred", outputs });
    return;
  }
  await measure(model, request.spec, call, send);
}

process.on("message", ({ call, request }: { call: number; request: ModelRequest }) => {
  serve(call, request).catch((error: Error) => send({ call, kind: "failed", message: error.message }));
});
process.on("disconnect", () => process.exit(0));
// A terminal's Ctrl-C reaches the whole group; the agent decides when its models end.
process.on("SIGINT", () => undefined);

if (!existsSync(`/proc/${process.pid}/schedstat`)) {
  setInterval(() => {
    const { user, system } = process.cpuUsage();
    send({ kind: "cpu-time", cpu_ns: BigInt(user + system) * 1000n, at_ns: process.hrtime.bigint() });
  }, CPU_EVERY_MS).unref();
}
