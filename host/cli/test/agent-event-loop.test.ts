import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inferenceClient } from "@mltb/agent-inference";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Running, start } from "./mltb.ts";
import { identity } from "./onnx-models.ts";

/** Values of a large tensor: 100 MB of JSON in the long form. */
const VALUES = process.env["MLTB_LONG"] === "1" ? 10_000_000 : 1_500_000;
/** As JSON ten bytes each with the comma. */
const VALUE = 0.1234567;
/**
 * Part of a call's time that one answer of the agent to somebody else may take. An event loop that is held takes more than half of
 * it every time; what else a busy machine does lengthens an answer now and then, so that the best of some calls counts.
 */
const SHARE = 0.4;
const CALLS = 4;
const LIMIT_MIB = process.env["MLTB_LONG"] === "1" ? 128 : 24;

const folder = mkdtempSync(join(tmpdir(), "mltb-loop-"));
let agent: Running;
beforeAll(async () => {
  writeFileSync(join(folder, "same.onnx"), identity("FP32", [-1]));
  writeFileSync(join(folder, "whole.onnx"), identity("INT64", [-1]));
  writeFileSync(join(folder, "bytes.onnx"), identity("INT8", [-1]));
  writeFileSync(join(folder, "text.onnx"), identity("BYTES", [-1]));
  const ports = ["grpc", "http", "metrics"].flatMap((name) => [`--${name}`, "127.0.0.1:0"]);
  const limit = ["--message-limit", String(LIMIT_MIB)];
  agent = await start("agent", "inference", "--models", folder, "--no-mqtt", ...ports, ...limit);
}, 120_000);
afterAll(async () => {
  expect(await agent.end("SIGTERM")).toBe(0);
  rmSync(folder, { recursive: true, force: true });
});

interface Answer {
  status: number;
  header: string | undefined;
  body: Buffer;
}

/** A POST; resolves when its body has left this process. */
async function post(path: string, body: Buffer, headers: Record<string, string> = {}) {
  const call = request(`${agent.ready["http"]}${path}`, { method: "POST", headers });
  const answer = new Promise<Answer>((resolve, reject) => {
    call.once("error", reject);
    call.once("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const header = response.headers["inference-header-content-length"] as string | undefined;
        resolve({ status: response.statusCode ?? 0, header, body: Buffer.concat(chunks) });
      });
    });
  });
  await new Promise<void>((resolve) => call.end(body, () => resolve()));
  return { answer };
}

/** Makes a call until others were answered during it; gives its result. */
async function besideOthers<T>(make: () => Promise<{ answer: Promise<T> }>): Promise<T> {
  const shares: number[] = [];
  for (;;) {
    const { result, share } = await whileUnderWay((await make()).answer);
    shares.push(share);
    if (share < SHARE) return result;
    if (shares.length === CALLS) throw new Error(`the longest answer to others took ${shares} of the call's time`);
  }
}

/** Asks for the agent's health again and again while a call is under way: the longest wait as a share of the call's time. */
async function whileUnderWay<T>(call: Promise<T>): Promise<{ result: T; share: number }> {
  let over = false;
  const ended = call.finally(() => {
    over = true;
  });
  const from = performance.now();
  let longest = 0;
  while (!over) {
    const at = performance.now();
    expect((await fetch(`${agent.ready["http"]}/v2/health/live`)).status).toBe(200);
    longest = Math.max(longest, performance.now() - at);
  }
  const result = await ended;
  return { result, share: longest / (performance.now() - from) };
}

function jsonBody(last: string): Buffer {
  const data = `${`${VALUE},`.repeat(VALUES - 1)}${last}`;
  return Buffer.from(`{"inputs":[{"name":"x","datatype":"FP32","shape":[${VALUES}],"data":[${data}]}]}`);
}

test("a large JSON body is read and refused while others are answered", async () => {
  const body = jsonBody('"one"');
  const result = await besideOthers(() => post("/v2/models/same/infer", body));
  expect({ status: result.status, text: result.body.toString() }).toEqual({
    status: 400,
    text: expect.stringContaining("one is no FP32"),
  });
}, 600_000);

test("a large answer is written as JSON while others are answered, and has the values of the binary one", async () => {
  const raw = Buffer.from(new Float32Array(VALUES).fill(VALUE).buffer);
  const input = { name: "x", datatype: "FP32", shape: [VALUES], parameters: { binary_data_size: raw.length } };
  const head = Buffer.from(JSON.stringify({ inputs: [input] }));
  const headers = { "inference-header-content-length": String(head.length) };
  const body = Buffer.concat([head, raw]);
  const result = await besideOthers(() => post("/v2/models/same/infer", body, headers));
  expect({ status: result.status, header: result.header }).toEqual({ status: 200, header: undefined });
  const { outputs } = JSON.parse(result.body.toString()) as { outputs: { data: number[] }[] };
  expect(outputs[0]?.data.length).toBe(VALUES);
  expect(outputs[0]?.data.every((value) => value === Math.fround(VALUE))).toBe(true);
}, 600_000);

test("typed contents of a large gRPC request are decoded while others are answered", async () => {
  const client = inferenceClient(agent.ready["grpc"] as string);
  const inputs = [
    { name: "x", datatype: "INT64", shape: [VALUES], contents: { int64_contents: new Array(VALUES).fill(7) } },
  ];
  type Reply = { id: string; raw_output_contents: Uint8Array[] };
  const request = { model_name: "whole", id: "big", inputs };
  const result = await besideOthers(async () => ({ answer: client.call<Reply>("ModelInfer", request) }));
  const raw = result.raw_output_contents[0] ?? new Uint8Array();
  expect({ id: result.id, bytes: raw.length }).toEqual({ id: "big", bytes: 8 * VALUES });
  expect(new DataView(raw.buffer, raw.byteOffset).getBigInt64(8 * VALUES - 8, true)).toBe(7n);
  const wrong = client.call("ModelInfer", { ...request, inputs: [{ ...inputs[0], shape: [VALUES - 1] }] });
  await expect(wrong).rejects.toThrow(`${VALUES - 1} values are wanted, ${VALUES} were given`);
  client.close();
}, 600_000);

test("raw BYTES of many elements are counted in slices, and classes are sorted in another process", async () => {
  const client = inferenceClient(agent.ready["grpc"] as string);
  const texts = { model_name: "text", raw_input_contents: [new Uint8Array(4 * VALUES)] };
  const more = { ...texts, inputs: [{ name: "x", datatype: "BYTES", shape: [VALUES + 1] }] };
  await expect(client.call("ModelInfer", more)).rejects.toThrow(
    `${VALUES + 1} elements are wanted, ${VALUES} were given`,
  );
  const ranks = Float32Array.from({ length: VALUES }, (_, i) => (i * 7919) % VALUES);
  const request = {
    model_name: "same",
    inputs: [{ name: "x", datatype: "FP32", shape: [VALUES] }],
    outputs: [{ name: "y", parameters: { classification: { int64_param: 1 } } }],
    raw_input_contents: [new Uint8Array(ranks.buffer)],
  };
  type Reply = { raw_output_contents: Uint8Array[] };
  const result = await besideOthers(async () => ({ answer: client.call<Reply>("ModelInfer", request) }));
  const best = Buffer.from(result.raw_output_contents[0] ?? []).toString("latin1", 4);
  expect(best).toBe(`${(VALUES - 1).toFixed(6)}:${ranks.indexOf(VALUES - 1)}`);
  client.close();
}, 600_000);

test("values in fewer bytes than count as large hold nobody up either, and no output is asked for twice", async () => {
  const client = inferenceClient(agent.ready["grpc"] as string);
  const size = 255 * 1024;
  type Reply = { raw_output_contents: Uint8Array[] };
  const output = { name: "y", parameters: { classification: { int64_param: 1 } } };
  const bytes = Int8Array.from({ length: size }, (_, i) => (((i * 7919) % size) >> 11) - 64);
  const classes = {
    model_name: "bytes",
    inputs: [{ name: "x", datatype: "INT8", shape: [size] }],
    outputs: [output],
    raw_input_contents: [new Uint8Array(bytes.buffer)],
  };
  const sorted = await besideOthers(async () => ({ answer: client.call<Reply>("ModelInfer", classes) }));
  const highest = bytes.reduce((a, b) => Math.max(a, b));
  const best = Buffer.from(sorted.raw_output_contents[0] ?? []).toString("latin1", 4);
  expect(best).toBe(`${highest.toFixed(6)}:${bytes.indexOf(highest)}`);
  const inputs = [
    { name: "x", datatype: "INT64", shape: [size - 64], contents: { int64_contents: new Array(size - 64).fill(7) } },
  ];
  const whole = { model_name: "whole", inputs };
  const decoded = await besideOthers(async () => ({ answer: client.call<Reply>("ModelInfer", whole) }));
  expect(decoded.raw_output_contents[0]?.length).toBe(8 * (size - 64));
  const often = { ...classes, outputs: new Array(40).fill(output) };
  await expect(client.call("ModelInfer", often)).rejects.toThrow("output 'y' is requested twice");
  client.close();
}, 600_000);

test("a request above the limit is refused with the limit: 413 over HTTP, packed too, and RESOURCE_EXHAUSTED over gRPC", async () => {
  const { gzipSync } = await import("node:zlib");
  const large = Buffer.alloc(LIMIT_MIB * 1024 ** 2 + 1, 32);
  const plain = await fetch(`${agent.ready["http"]}/v2/models/same/infer`, { method: "POST", body: large });
  expect([plain.status, await plain.json()]).toEqual([
    413,
    { error: `the body is larger than ${large.length - 1} bytes` },
  ]);
  const packed = gzipSync(large, { level: 1 });
  const { answer } = await post("/v2/models/same/infer", packed, { "content-encoding": "gzip" });
  const { status, body } = await answer;
  expect([status, JSON.parse(body.toString())]).toEqual([
    413,
    { error: `unpacked, the body is larger than ${large.length - 1} bytes` },
  ]);
  const client = inferenceClient(agent.ready["grpc"] as string);
  const inputs = [{ name: "x", datatype: "FP32", shape: [large.length >> 2] }];
  const call = client.call("ModelInfer", { model_name: "same", inputs, raw_input_contents: [large] });
  await expect(call).rejects.toMatchObject({ status: 8 });
  const small = await client.call<{ raw_output_contents: Uint8Array[] }>("ModelInfer", {
    model_name: "same",
    inputs: [{ name: "x", datatype: "FP32", shape: [1], contents: { fp32_contents: [2] } }],
  });
  expect([...(small.raw_output_contents[0] ?? [])]).toEqual([...new Uint8Array(Float32Array.of(2).buffer)]);
  client.close();
}, 600_000);
