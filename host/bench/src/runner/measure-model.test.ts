import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Bay } from "@mltb/contract";
import { afterAll, expect, test } from "vitest";
import type { Experiment } from "../configurator/types.ts";
import { type AgentApi, NoNumbersError } from "./agent-client.ts";
import { measureModel } from "./measure-model.ts";
import { Life, ModelledBay } from "./modelled-bay.ts";
import { ReferenceModels } from "./reference.ts";
import { toRecord } from "./to-record.ts";

const folder = mkdtempSync(join(tmpdir(), "mltb-measure-model-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const [inputs, labels] = [join(folder, "x.bin"), join(folder, "x.csv")];
writeFileSync(inputs, Uint8Array.of(1, 2, 3, 4));
writeFileSync(labels, "class\n0\n1\n");

const experiment = {
  name: "scores",
  bay: { bay: "b", racks: [] } as unknown as Bay,
  dataset: {
    ...{ inputs: { file: inputs, dtype: "int8", shape: [2] }, labels: { file: labels, column: "class" } },
    ...{ preprocess: [], metric: "top1" },
  },
  measure: { scenario: "single-stream", warmup: 0, windows: 1, window_s: 1, seed: 1 },
} as unknown as Experiment;
const model = { name: "m", bytes: Uint8Array.of(1), sha256: "0", macs: null, weights: null, optimizations: [] };

/** Measures on a modelled board whose model takes two INT64 and answers as `infer` does. */
async function measured(infer: AgentApi["infer"]) {
  const bay = new ModelledBay();
  bay.boards.set("a", { power: "on", policy: "off", stuck: false, lease: undefined });
  const ports = new Life(bay, 0, () => false).ports();
  const tensor = { name: "x", datatype: "INT64", shape: [1, 2] };
  const agent: AgentApi = { ...ports.agent("a"), inputs: async () => [tensor], infer };
  const reference = { models: new ReferenceModels(async () => agent), original: model.bytes };
  const signal = new AbortController().signal;
  const outcome = await measureModel(experiment, "a", model, ports.bay, agent, () => undefined, signal, { reference });
  const facts = {
    target: "a",
    model: { ...model, size_bytes: 1 },
    host: { cpu: "c", cores: 1, os: "o" },
    inputs_sha256: null,
  };
  return toRecord(experiment, facts, outcome);
}

test("a model whose input is whole numbers of 64 bits is scored over the data set", async () => {
  const seen: bigint[][] = [];
  const record = await measured(async (_, __, [raw]) => {
    seen.push([...new BigInt64Array((raw as Uint8Array).slice().buffer)]);
    return Float64Array.of(1, 0);
  });
  expect(seen.slice(0, 2)).toEqual([
    [1n, 2n],
    [3n, 4n],
  ]);
  expect(record.accuracy).toEqual({ metric: "top1", correct: 1, total: 2, value: 0.5 });
  expect(record).not.toHaveProperty("accuracy_refused");
});

test("an output without numbers costs accuracy and numerical error alone, and both say so", async () => {
  const record = await measured(() => Promise.reject(new NoNumbersError("outputs of datatype BYTES have no numbers")));
  expect(record.latency_us?.n).toBe(100);
  expect(record).toMatchObject({
    accuracy: null,
    accuracy_refused: "outputs of datatype BYTES have no numbers",
    numerical_error: null,
    numerical_error_refused: expect.stringContaining("outputs of datatype BYTES have no numbers"),
  });
});

test("any other failure while a model is scored is the measurement's", async () => {
  await expect(measured(() => Promise.reject(new Error("the model's process ended")))).rejects.toThrow("process ended");
});
