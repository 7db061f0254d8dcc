import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { mltb } from "./mltb.ts";
import {
  crossed,
  doubling,
  endlessLoop,
  externalWeights,
  hugeConstant,
  identity,
  longChain,
  wrongType,
} from "./onnx-models.ts";

const root = mkdtempSync(join(tmpdir(), "mltb-hostile-"));
const folder = join(root, "models");
const LIMIT_S = 3;
const MEMORY_MIB = 1024;
let agent: ChildProcess;
let http = "";
let ended: Promise<number | null>;

beforeAll(async () => {
  const good = identity("FP32", [2]);
  const models: Record<string, Uint8Array> = {
    good,
    loop: endlessLoop(),
    "huge-fixed": hugeConstant(true),
    huge: hugeConstant(false),
    doubling: doubling(20),
    "outside-relative": externalWeights("../secret.bin", 4),
    "outside-absolute": externalWeights(join(root, "secret.bin"), 4),
    missing: externalWeights("nothing.bin", 4),
    beside: externalWeights("weights.bin", 4),
    truncated: good.subarray(0, good.length - 7),
    empty: new Uint8Array(),
    chain: longChain(100_000),
    "wrong-type": wrongType(),
    crossed: crossed(),
  };
  mkdirSync(folder);
  writeFileSync(join(root, "secret.bin"), new Uint8Array(16));
  writeFileSync(join(folder, "weights.bin"), new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer));
  for (const [name, bytes] of Object.entries(models)) writeFileSync(join(folder, `${name}.onnx`), bytes);
  const ports = ["grpc", "http", "metrics"].flatMap((name) => [`--${name}`, "127.0.0.1:0"]);
  const limits = ["--time-limit", String(LIMIT_S), "--memory-limit", String(MEMORY_MIB)];
  const args = ["agent", "inference", "--models", folder, "--no-mqtt", ...ports, ...limits];
  agent = spawn(process.execPath, [mltb, ...args], { stdio: ["ignore", "pipe", "ignore"] });
  ended = new Promise((resolve) => agent.once("exit", resolve));
  http = await new Promise<string>((resolve, reject) => {
    void ended.then((code) => reject(new Error(`ended with ${code}`)));
    agent.stdout?.once("data", (line) => resolve((JSON.parse(String(line)) as { http: string }).http));
  });
}, 120_000);
afterAll(() => {
  agent.kill("SIGKILL");
  rmSync(root, { recursive: true, force: true });
});

interface Answer {
  status: number;
  body: { error?: string; outputs?: { name: string; data: number[] }[] };
}

async function infer(model: string, ...inputs: [string, string, number[], unknown[]][]): Promise<Answer> {
  const body = { inputs: inputs.map(([name, datatype, shape, data]) => ({ name, datatype, shape, data })) };
  const answer = await fetch(`${http}/v2/models/${model}/infer`, { method: "POST", body: JSON.stringify(body) });
  return { status: answer.status, body: (await answer.json()) as Answer["body"] };
}

/** The agent serves on: a good model answers right, whatever another one is doing. */
async function servesOn(): Promise<void> {
  const { status, body } = await infer("good", ["x", "FP32", [2], [1.5, -2]]);
  expect({ status, data: body.outputs?.[0]?.data }).toEqual({ status: 200, data: [1.5, -2] });
}

/** Waits until a model is no longer loading; its row of the index. */
async function settled(model: string): Promise<{ state: string; reason: string }> {
  for (;;) {
    const answer = await fetch(`${http}/v2/repository/index`, { method: "POST" });
    const rows = (await answer.json()) as { name: string; state: string; reason: string }[];
    const row = rows.find((entry) => entry.name === model);
    if (row === undefined) throw new Error(`${model} is not in the index`);
    if (row.reason !== "loading") return row;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test("endless-loop: the model's process is killed at its time limit, others answer meanwhile, the next call starts anew", async () => {
  const endless = infer("loop", ["x", "FP32", [1], [1]]);
  for (let i = 0; i < 3; i += 1) await servesOn();
  const { status, body } = await endless;
  expect({ status, error: body.error }).toMatchObject({
    status: 503,
    error: expect.stringContaining(`longer than ${LIMIT_S} s`),
  });
  expect(await settled("loop")).toMatchObject({ state: "UNAVAILABLE", reason: expect.stringContaining("longer") });
  await servesOn();
});

test("huge-tensor: 100 GB asked for in the request or in the model are refused", async () => {
  const { status, body } = await infer("huge", ["n", "INT64", [1], [25_000_000_000]]);
  expect(status).toBe(503);
  expect(body.error).toBeTruthy();
  await settled("huge-fixed");
  const fixed = await infer("huge-fixed", ["x", "FP32", [1], [0]]);
  expect(fixed.status).toBe(503);
  await servesOn();
});

test("growing-memory: a model that grows beyond its limit is killed by the watch or refused by the kernel", async () => {
  const { status, body } = await infer("doubling", ["x", "FP32", [4096], Array.from({ length: 4096 }, () => 1)]);
  expect(status).toBe(503);
  expect(body.error).toMatch(/memory|alloc/i);
  await servesOn();
});

test("external-data: outside the folder it is refused by name, beside the model it is read", async () => {
  for (const name of ["outside-relative", "outside-absolute"]) {
    expect(await settled(name)).toMatchObject({
      state: "UNAVAILABLE",
      reason: expect.stringMatching(/outside the model's folder/),
    });
  }
  expect(await settled("missing")).toMatchObject({
    state: "UNAVAILABLE",
    reason: expect.stringContaining("nothing.bin"),
  });
  const { body } = await infer("beside", ["x", "FP32", [4], [10, 20, 30, 40]]);
  expect(body.outputs?.[0]?.data).toEqual([11, 22, 33, 44]);
});

test("damaged-files: truncated, empty and wrongly typed models are unavailable with the reason", async () => {
  for (const name of ["truncated", "empty", "wrong-type"]) {
    const row = await settled(name);
    expect(row).toMatchObject({ state: "UNAVAILABLE" });
    expect(row.reason.length).toBeGreaterThan(5);
    const { status } = await infer(name, ["x", "FP32", [2], [0, 0]]);
    expect(status).toBe(503);
  }
  await servesOn();
});

test("large-graph: 100,000 nodes load or are refused, and the agent serves on meanwhile", async () => {
  await servesOn();
  const row = await settled("chain");
  const { status, body } = await infer("chain", ["x", "FP32", [1], [0]]);
  if (row.state === "READY") expect(body.outputs?.[0]?.data).toEqual([100_000]);
  else expect(status).toBe(503);
});

const user = process.getuid?.() === 0 ? [] : ["--map-root-user"];
const namespaces = spawnSync("unshare", [...user, "--net", "--mount", "true"]).status === 0;
if (!namespaces) console.warn("skipped: the kernel grants no namespaces here; agents say `network: not isolated`");

test.skipIf(!namespaces)(
  "limits-in-place: no network, a read-only folder, a limit on data, no secrets in the environment",
  async () => {
    await servesOn();
    const children = readFileSync(`/proc/${agent.pid}/task/${agent.pid}/children`, "utf8").trim().split(" ");
    expect(children.length).toBeGreaterThan(1);
    for (const pid of children) {
      expect(readlinkSync(`/proc/${pid}/ns/net`)).not.toBe(readlinkSync("/proc/self/ns/net"));
      const mounts = readFileSync(`/proc/${pid}/mountinfo`, "utf8")
        .split("\n")
        .map((line) => line.split(" "));
      expect(mounts.find((mount) => mount[4] === folder)?.[5]).toMatch(/^ro/);
      const limit = /^Max data size\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, "utf8"))?.[1];
      expect(Number(limit)).toBe((MEMORY_MIB + 1024) * 1024 ** 2);
      expect(readFileSync(`/proc/${pid}/environ`, "utf8")).not.toMatch(/TOKEN|PASSWORD|HOME=/);
    }
  },
);

test("wrong-requests: shapes, types, names and sizes are refused with what was wanted", async () => {
  const cases: [Answer["status"], RegExp, ...[string, string, number[], unknown[]][]][] = [
    [400, /Expected \[2\], got \[3\]/, ["x", "FP32", [3], [1, 2, 3]]],
    [400, /data-type is 'FP64'.*expects 'FP32'/, ["x", "FP64", [2], [1, 2]]],
    [400, /unexpected inference input 'z'/, ["z", "FP32", [2], [1, 2]]],
    [400, /missing required input\(s\) \['x'\]/],
    [400, /already exists/, ["x", "FP32", [2], [1, 2]], ["x", "FP32", [2], [1, 2]]],
    [400, /2 values are wanted, 1/, ["x", "FP32", [2], [1]]],
    [400, /is no FP32/, ["x", "FP32", [2], [1, "two"]]],
  ];
  for (const [status, error, ...inputs] of cases) {
    const answer = await infer("good", ...inputs);
    expect(answer).toMatchObject({ status, body: { error: expect.stringMatching(error) } });
  }
  const { body } = await infer("crossed", ["b", "INT64", [1, 2], [2 ** 53 - 1, -5]], ["a", "FP32", [2], [1, 2]]);
  expect(body.outputs?.map((output) => output.data)).toEqual([
    [2 ** 53 - 1, -5],
    [1, 2],
  ]);
  await servesOn();
});

test("SIGTERM ends the agent with 0 after all that", async () => {
  agent.kill("SIGTERM");
  expect(await ended).toBe(0);
});
