import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
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
