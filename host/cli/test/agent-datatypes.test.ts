import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { grpcAgent } from "@mltb/bench";
import { afterAll, beforeAll, expect, test } from "vitest";
import { inputSets } from "../../bench/src/runner/inputs.ts";
import { toNumbers } from "../../bench/src/runner/tensor-numbers.ts";
import { type Running, start } from "./mltb.ts";
import { type ElementType, elementTypes, identity } from "./onnx-models.ts";

const types = Object.keys(elementTypes) as ElementType[];
const folder = mkdtempSync(join(tmpdir(), "mltb-datatypes-"));
let agent: Running;
beforeAll(async () => {
  for (const type of types) writeFileSync(join(folder, `${type}.onnx`), identity(type, [1, 4]));
  const ports = ["grpc", "http", "metrics"].flatMap((name) => [`--${name}`, "127.0.0.1:0"]);
  agent = await start("agent", "inference", "--models", folder, "--no-mqtt", ...ports);
}, 120_000);
afterAll(async () => {
  expect(await agent.end("SIGTERM")).toBe(0);
  rmSync(folder, { recursive: true, force: true });
});

test("a model of every datatype is measured with inputs that the bench makes, and its numbers are read back", async () => {
  const api = grpcAgent(agent.ready["grpc"] as string);
  const spec = { warmup: 1, windows: 1, window_s: 0.1, seed: 1 };
  for (const type of types) {
    const inputs = await api.inputs(type);
    expect(inputs).toMatchObject([{ datatype: type, shape: [1, 4] }]);
    const samples = [{ values: Float64Array.of(0, 1, 2, 3), shape: [4] }];
    const [given] = inputSets(inputs, samples, 1);
    const found = api.infer(type, inputs, given ?? []);
    if (type === "BYTES") await expect(found).rejects.toThrow("outputs of datatype BYTES have no numbers");
    else expect([type, [...(await found)]]).toEqual([type, type === "BOOL" ? [0, 1, 1, 1] : [0, 1, 2, 3]]);
    const random = inputSets(inputs, undefined, 1);
    if (type !== "BYTES") {
      const wanted = toNumbers(type, random[0]?.[0] ?? new Uint8Array());
      expect([type, await api.infer(type, inputs, random[0] ?? [])]).toEqual([type, wanted]);
    }
    const done = await api.measure(
      { model: type, ...spec, inputs: random },
      () => undefined,
      new AbortController().signal,
    );
    expect([type, done.windows.length, (done.windows[0]?.inferences ?? 0) > 0]).toEqual([type, 1, true]);
  }
  api.close();
}, 300_000);
