import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { grpcAgent } from "@mltb/bench";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Running, run, start } from "./mltb.ts";

const data = process.env["MLTB_DATASET"] ?? fileURLToPath(new URL("../../../../shared/data", import.meta.url));
const model = join(process.env["MODELS_REPO"] ?? join(data, "models"), "kws_ref_model.tflite");
const trained = existsSync(model) && existsSync(join(data, "kws/kws01-inputs.bin"));

const installed = await run("tools", "install", "litert", "--json");
// On CI a tool that cannot be installed is a failure, elsewhere a reason to skip.
const ready = installed.code === 0 || process.env["CI"] === "true";
if (!ready) console.warn(`skipped: ${installed.err.trim().split("\n").at(-1)}`);
else if (!trained) console.warn(`skipped: no keyword model or inputs in ${data}; set MLTB_DATASET`);

const folder = mkdtempSync(join(tmpdir(), "mltb-litert-"));
let agent: Running | undefined;
beforeAll(async () => {
  if (!ready || !trained) return;
  copyFileSync(model, join(folder, "kws.tflite"));
  const ports = ["grpc", "http", "metrics"].flatMap((name) => [`--${name}`, "127.0.0.1:0"]);
  agent = await start("agent", "inference", "--models", folder, "--runtime", "litert", "--no-mqtt", ...ports);
}, 120_000);
afterAll(async () => {
  await agent?.end("SIGTERM");
  rmSync(folder, { recursive: true, force: true });
});

test.skipIf(!ready)("mltb tools install litert: done, and done at once the second time", async () => {
  expect({ code: installed.code, state: JSON.parse(installed.out) }).toMatchObject({
    code: 0,
    state: { state: "ready" },
  });
  expect((await run("tools", "install", "litert")).code).toBe(0);
  expect((await run("tools", "install", "moon")).code).toBe(2);
});

test.skipIf(!ready || !trained)(
  "LiteRT: 192 of the 200 keywords, and windows of a measurement with latencies inside",
  async () => {
    const api = grpcAgent(agent?.ready["grpc"] as string);
    const inputs = await api.inputs("kws");
    expect(inputs).toMatchObject([{ datatype: "INT8", shape: [1, 49, 10, 1] }]);
    const records = readFileSync(join(data, "kws/kws01-inputs.bin"));
    const rows = readFileSync(join(data, "kws/kws01-inputs.csv"), "utf8")
      .trim()
      .split("\n")
      .map((line) => line.split(","));
    const column = rows[0]?.indexOf("class") ?? -1;
    let right = 0;
    let raw = new Uint8Array();
    for (const [i, row] of rows.slice(1).entries()) {
      // Stored as 10 coefficients x 49 frames of scale 0.33674246; the model wants 49 x 10 of scale 0.5847, zero 83.
      const values = Int8Array.from({ length: 490 }, (_, at) => {
        const stored = records.readInt8(i * 490 + (at % 10) * 49 + Math.floor(at / 10));
        return Math.max(-128, Math.min(127, Math.round((stored * 0.33674246) / 0.5847029089927673 + 83)));
      });
      raw = new Uint8Array(values.buffer);
      const scores = await api.infer("kws", inputs, [raw]);
      if (scores.indexOf(Math.max(...scores)) === Number(row[column])) right += 1;
    }
    expect(right).toBe(192);
    const spec = { model: "kws", warmup: 2, windows: 2, window_s: 0.2, seed: 1, inputs: [[raw]] };
    const { windows, runtime } = await api.measure(spec, () => undefined, new AbortController().signal);
    expect(runtime).toMatchObject({ name: "litert" });
    for (const { latency_us, duration_us, inferences } of windows) {
      expect(latency_us.length).toBe(inferences);
      expect(latency_us.reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(duration_us);
    }
    api.close();
  },
);

test.skipIf(!ready || !trained)("mltb run with LiteRT: every scenario has its verdict, counts and energy", async () => {
  const at = (name: string): string => join(folder, name);
  const rack = {
    rack: "rack1",
    board: { name: "rack1-monitor", kind: "monitoring", link: "simulated", seed: 1 },
    targets: [{ target: "lite", channel: 1, agent: { runtime: "litert" }, load: { idle_w: 1.2, cpu_w: 4.5 } }],
  };
  // YAML reads JSON.
  writeFileSync(at("bay.yml"), JSON.stringify({ bay: "lite", racks: [rack] }));
  for (const measure of [
    { scenario: "single-stream" },
    { scenario: "multi-stream", samples_per_query: 4 },
    { scenario: "server", target_per_s: 100 },
    { scenario: "offline" },
  ]) {
    const file = at(`${measure.scenario}.yml`);
    const models = [{ name: "kws", file: model }];
    const windows = { warmup: 2, windows: 2, window_s: 0.5, seed: 3 };
    writeFileSync(
      file,
      JSON.stringify({
        experiment: "lite",
        bay: "bay.yml",
        targets: ["lite"],
        models,
        measure: { ...measure, ...windows },
      }),
    );
    const done = await run("run", file, "--out", at(`out-${measure.scenario}`), "--json");
    expect([done.code, done.code === 0 ? "" : done.err]).toEqual([0, ""]);
    const [record] = JSON.parse(done.out).results;
    expect(record).toMatchObject({
      runtime: { name: "litert" },
      scenario: measure.scenario,
      model: { macs: 2_656_768, name: "kws" },
      energy_uj_per_inference: { method: "edges" },
      numerical_error_refused: expect.any(String),
    });
    expect(record.verdict).toMatch(/^(valid|valid-short|unstable)$/);
    const queries: number = record.latency_us.n;
    const inferences: number = record.windows.reduce((sum: number, w: { inferences: number }) => sum + w.inferences, 0);
    const counts = new Set(record.windows.map((w: { inferences: number }) => w.inferences));
    if (measure.scenario === "offline") expect(counts.size).toBe(1);
    if (measure.scenario === "multi-stream") expect(inferences).toBe(4 * queries);
    else expect(inferences).toBe(queries);
    // Arrivals at 100 a second for a second, five standard deviations aside.
    if (measure.scenario === "server") expect(Math.abs(queries - 100)).toBeLessThan(50);
  }
});
