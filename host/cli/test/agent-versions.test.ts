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
    "aged/1": longChain(1),
    "aged/2": Buffer.from("no model"),
    "fresh/1": Buffer.from("no model"),
    "fresh/2": longChain(2),
    "fresh/3": longChain(3),
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

/** A call of the REST form: its status and what it says. */
async function rest(path: string, body?: string): Promise<[number, string]> {
  const answer = await fetch(`${agent.ready["http"]}${path}`, body === undefined ? {} : { method: "POST", body });
  return [answer.status, await answer.text()];
}

test("without a version a model is ready when the version is that answers", async () => {
  const client = inferenceClient(agent.ready["grpc"] as string);
  const ready = async (name: string, version: string): Promise<boolean[]> => {
    const { ready: over } = await client.call<{ ready: boolean }>("ModelReady", { name, version });
    const path = version === "" ? `/v2/models/${name}/ready` : `/v2/models/${name}/versions/${version}/ready`;
    return [over, (await rest(path))[0] === 200];
  };
  expect(await ready("aged", "1")).toEqual([true, true]);
  expect(await ready("aged", "")).toEqual([false, false]);
  await expect(infer(agent, "aged")).rejects.toThrow(/aged cannot be loaded/);
  expect(await ready("fresh", "1")).toEqual([false, false]);
  expect(await ready("fresh", "")).toEqual([true, true]);
  expect(await ready("moon", "")).toEqual([false, false]);
  client.close();
}, 60_000);

test("a load loads every version that can be, and says which cannot", async () => {
  expect((await rest("/v2/repository/models/fresh/unload", ""))[0]).toBe(200);
  await expect(infer(agent, "fresh", "2")).rejects.toThrow(/no available versions/);
  const [status, text] = await rest("/v2/repository/models/fresh/load", "");
  expect([status, text]).toEqual([503, expect.stringContaining("version 1: model fresh cannot be loaded")]);
  expect(text).not.toContain("version 2");
  expect(await infer(agent, "fresh", "2")).toEqual({ version: "2", value: 12 });
  expect(await infer(agent, "fresh")).toEqual({ version: "3", value: 13 });
}, 60_000);

test("a body that is JSON but no object is refused as that", async () => {
  for (const path of ["/v2/repository/index", "/v2/repository/models/two/load", "/v2/models/two/infer"])
    for (const body of ["null", "[]", "1", '"text"'])
      expect([path, body, (await rest(path, body))[0]]).toEqual([path, body, 400]);
  const parameters = [
    ["[]", "parameters: a JSON object is wanted"],
    ['"text"', "parameters: a JSON object is wanted"],
    ['{"file:1/model.onnx": null}', "file:1/model.onnx: a file comes as base64"],
  ];
  for (const [text, message] of parameters)
    expect(await rest("/v2/repository/models/two/load", `{"parameters": ${text}}`)).toEqual([
      400,
      JSON.stringify({ error: message }),
    ]);
  expect(await infer(agent, "two")).toEqual({ version: "2", value: 12 });
  expect((await rest("/v2/repository/index", "{}"))[0]).toBe(200);
  expect((await rest("/v2/repository/index", ""))[0]).toBe(200);
}, 60_000);
