import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { grpcAgent } from "@mltb/bench";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Running, start } from "./mltb.ts";

const data = process.env["MLTB_DATASET"] ?? fileURLToPath(new URL("../../../../shared/data", import.meta.url));
const model = join(process.env["MODELS_REPO"] ?? join(data, "models"), "kws_ref_model.onnx");
const present = existsSync(model) && existsSync(join(data, "kws/kws01-inputs.bin"));
if (!present) console.warn(`skipped: no keyword model or inputs in ${data}; set MLTB_DATASET`);

const folder = mkdtempSync(join(tmpdir(), "mltb-keyword-"));
let agent: Running;
beforeAll(async () => {
  if (!present) return;
  copyFileSync(model, join(folder, "kws.onnx"));
  const ports = ["grpc", "http", "metrics"].flatMap((name) => [`--${name}`, "127.0.0.1:0"]);
  agent = await start("agent", "inference", "--models", folder, "--no-mqtt", ...ports);
});
afterAll(async () => {
  if (present) expect(await agent.end("SIGTERM")).toBe(0);
  rmSync(folder, { recursive: true, force: true });
});

/** The 200 records as the model wants them, each with its class. */
function records(): { raw: Uint8Array; label: number }[] {
  const bytes = readFileSync(join(data, "kws/kws01-inputs.bin"));
  const [head = "", ...rows] = readFileSync(join(data, "kws/kws01-inputs.csv"), "utf8").trim().split("\n");
  const column = head.split(",").indexOf("class");
  return rows.map((row, i) => {
    // Stored as 10 coefficients x 49 frames.
    const value = (at: number): number => bytes.readInt8(i * 490 + (at % 10) * 49 + Math.floor(at / 10)) * 0.33674246;
    const values = Float32Array.from({ length: 490 }, (_, at) => value(at));
    return { raw: new Uint8Array(values.buffer), label: Number(row.split(",")[column]) };
  });
}

const best = (scores: ArrayLike<number>): number => Array.from(scores).indexOf(Math.max(...Array.from(scores)));

async function overRest(raw: Uint8Array): Promise<Float32Array> {
  const inputs = [{ name: "input_1", datatype: "FP32", shape: [1, 490], parameters: { binary_data_size: raw.length } }];
  const head = Buffer.from(JSON.stringify({ inputs, parameters: { binary_data_output: true } }));
  const answer = await fetch(`${agent.ready["http"]}/v2/models/kws/infer`, {
    method: "POST",
    headers: { "inference-header-content-length": String(head.length) },
    body: Buffer.concat([head, raw]),
  });
  const body = new Uint8Array(await answer.arrayBuffer());
  const from = Number(answer.headers.get("inference-header-content-length"));
  return new Float32Array(body.slice(from).buffer);
}

test.skipIf(!present)(
  "the keyword model answers 182 of 200 right, over gRPC and over REST, with the same scores",
  async () => {
    const api = grpcAgent(agent.ready["grpc"] as string);
    const inputs = await api.inputs("kws");
    let grpc = 0;
    let rest = 0;
    for (const { raw, label } of records()) {
      const scores = await api.infer("kws", inputs, [raw]);
      const same = await overRest(raw);
      expect([...same]).toEqual([...scores]);
      if (best(scores) === label) grpc += 1;
      if (best(same) === label) rest += 1;
    }
    api.close();
    expect({ grpc, rest }).toEqual({ grpc: 182, rest: 182 });
  },
);
