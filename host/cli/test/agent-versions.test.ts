import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { inferenceClient } from "@mltb/agent-inference";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Running, start } from "./mltb.ts";
import { longChain } from "./onnx-models.ts";

const folder = mkdtempSync(join(tmpdir(), "mltb-versions-"));
const ports = ["grpc", "http", "metrics"].flatMap((name) => [`--${name}`, "127.0.0.1:0"]);
let agent: Running;
beforeAll(async () => {
  // Version N adds N to its input.
  const files = {
    "two/1": longChain(1),
    "two/2": longChain(2),
  };
  for (const [path, bytes] of Object.entries(files)) {
    const file = join(folder, path, "model.onnx");
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes);
  }
  agent = await start("agent", "inference", "--models", folder, "--no-mqtt", ...ports);
}, 120_000);
afterAll(async () => {
  expect(await agent.end("SIGTERM")).toBe(0);
  rmSync(folder, { recursive: true, force: true });
});

/** What a version of a model makes of 10; without a version the one that answers. */
async function infer(
  from: Running,
  model_name: string,
  model_version = "",
): Promise<{ version: string; value: number }> {
  const client = inferenceClient(from.ready["grpc"] as string);
  const inputs = [{ name: "x", datatype: "FP32", shape: [1], contents: { fp32_contents: [10] } }];
  try {
    const { model_version: version, raw_output_contents: raw } = await client.call<{
      model_version: string;
      raw_output_contents: Uint8Array[];
    }>("ModelInfer", { model_name, model_version, inputs });
    return { version, value: Buffer.from(raw[0] ?? []).readFloatLE() };
  } finally {
    client.close();
  }
}

test("a foreign server is asked for the version that its client asked for", async () => {
  const near = await start("agent", "inference", "--runtime", `oip://${agent.ready["grpc"]}`, "--no-mqtt", ...ports);
  for (const from of [agent, near]) {
    expect(await infer(from, "two", "1")).toEqual({ version: "1", value: 11 });
    expect(await infer(from, "two", "2")).toEqual({ version: "2", value: 12 });
    expect(await infer(from, "two")).toEqual({ version: "2", value: 12 });
  }
  await expect(infer(near, "two", "3")).rejects.toThrow(/two.*version 3 is not found/);
  expect(await near.end("SIGTERM")).toBe(0);
}, 120_000);
