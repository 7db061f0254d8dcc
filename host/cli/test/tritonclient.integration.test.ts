import { execFile } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { pythonEnv } from "../../../.ci/python-env.ts";
import { type Running, start } from "./mltb.ts";
import { type ElementType, elementTypes, identity } from "./onnx-models.ts";

const run = promisify(execFile);
const judge = fileURLToPath(new URL("./judge_tritonclient.py", import.meta.url));
const data = process.env["MLTB_DATASET"] ?? fileURLToPath(new URL("../../../../shared/data", import.meta.url));
const models = process.env["MODELS_REPO"] ?? join(data, "models");
const keyword = join(models, "kws_ref_model.onnx");
const trained = existsSync(keyword) && existsSync(join(data, "kws/kws01-inputs.bin"));
if (!trained)
  console.warn(`part of the judgement is left out: no keyword model or inputs in ${data}; set MLTB_DATASET`);

const env = await pythonEnv("tritonclient");
const folder = mkdtempSync(join(tmpdir(), "mltb-tritonclient-"));
let agent: Running | undefined;

beforeAll(async () => {
  if ("missing" in env) return;
  for (const type of Object.keys(elementTypes) as ElementType[])
    writeFileSync(join(folder, `id-${type.toLowerCase()}.onnx`), identity(type, [-1, -1]));
  writeFileSync(join(folder, "broken.onnx"), "not a model");
  for (const version of ["1", "2"]) {
    mkdirSync(join(folder, "versioned", version), { recursive: true });
    writeFileSync(join(folder, "versioned", version, "model.onnx"), identity("FP32", [-1, -1]));
  }
  if (trained) copyFileSync(keyword, join(folder, "kws_ref_model.onnx"));
  const ports = ["grpc", "http", "metrics"].flatMap((name) => [`--${name}`, "127.0.0.1:0"]);
  agent = await start("agent", "inference", "--models", folder, "--no-mqtt", ...ports);
}, 300_000);
afterAll(async () => {
  await agent?.end("SIGTERM");
  rmSync(folder, { recursive: true, force: true });
});

test.skipIf("missing" in env)(
  "tritonclient, gRPC and HTTP: every call, datatype and refusal is as it expects",
  async () => {
    const { grpc, http, metrics } = (agent as Running).ready as { grpc: string; http: string; metrics: string };
    const args = [
      judge,
      grpc,
      http.replace("http://", ""),
      metrics,
      trained ? data : "-",
      join(folder, "id-fp32.onnx"),
    ];
    const { stdout } = await run("missing" in env ? "" : env.python, args, { maxBuffer: 16 << 20 });
    const checks = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { check: string; ok: boolean; detail: string });
    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(checks.length).toBeGreaterThan(160);
    console.log(`${checks.length} checks by tritonclient`);
  },
  600_000,
);
