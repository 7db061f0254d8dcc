import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { run } from "./mltb.ts";

const folder = mkdtempSync(join(tmpdir(), "mltb-results-text-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function store(run_id: string, p50: number, change: Record<string, unknown> = {}): void {
  const latency_us = { p50, p90: p50, p95: p50, p99: p50, min: p50, max: p50, mean: p50, n: 9, early_stopping: null };
  const record = {
    ...{ schema: "mltb.result/1", target: "a", target_kind: "simulated", simulated: ["rail"], verdict: "valid" },
    ...{ model: { name: "m", sha256: "0", bytes: 1, macs: 1, weights: 1 }, scenario: "single-stream", windows: [] },
    ...{ runtime: { name: "r", version: "1", threads: 1 }, seed: 1, warmup: 1, reasons: [], phases_us: null },
    ...{ throughput_per_s: null, energy_refused: null, memory_bytes: null, accuracy: null, numerical_error: null },
    energy_uj_per_inference: { value: 50, uncertainty: 2, coverage: 0.95, method: "edges", budget: [] },
    latency_us: { ...latency_us, ci95_p50: [p50 * 0.99, p50 * 1.01] },
    samples: { rate_hz: 1, received: 1, lost: 0 },
    fingerprint: { hash: "f", fields: { target: "a" } },
    artifacts: [],
    ...change,
  };
  const at = `2026-01-01T00:00:${run_id}Z`;
  const document = { schema: "mltb.run/1", run_id, experiment: "e", started_at: at, ended_at: at, results: [record] };
  mkdirSync(join(folder, run_id));
  writeFileSync(join(folder, run_id, "result.json"), JSON.stringify(document));
}
store("01", 100);
store("02", 200);
store("03", 100, { verdict: "invalid", reasons: ["it died"], latency_us: null });

const at = ["--results", folder];
const rail = /^rail simulated: voltage, current and energy come from a model of the rail/m;

test("compare, drift and pareto say as text which parts were simulated", async () => {
  const compared = await run("compare", "01", "02", ...at);
  expect(compared.out).toMatch(
    /^a m latency_us\.p50: 100 -> 200 \(moved by 100\.0 %\) significant \(simulated: rail\)$/m,
  );
  expect(compared.out).toMatch(rail);
  expect((await run("compare", "01", "02", "--explain", ...at)).out.trim()).toMatch(/ \(simulated: rail\)$/);
  expect(JSON.parse((await run("compare", "01", "02", "--json", ...at)).out)).toMatchObject({ simulated: ["rail"] });
  const failed = await run("compare", "01", "03", ...at);
  expect(failed.out).toMatch(/^a m is valid in the first and invalid \(it died\) in the second$/m);
  expect(failed.out).toMatch(/^a m: latency_us\.p50 is in the first only, the other says: it died$/m);
  const front = await run("results", "pareto", "all", ...at);
  expect(front.out).toMatch(/^a m: latency 100 us, energy 50 uJ \(simulated: rail\)$/m);
  expect(front.out).toMatch(rail);
  expect((await run("results", "drift", "02", ...at)).out).toMatch(/latency_us\.p50 moved by .* \(simulated: rail\)$/m);
}, 120_000);

test("the MLPerf layout is that of a submission; what has no place in it is named", async () => {
  const out = mkdtempSync(join(tmpdir(), "mltb-mlperf-"));
  const args = ["results", "export", "all", "--format", "mlperf", ...at];
  const exported = await run(...args, "--out", out, "--submitter", "acme", "--json");
  const { files, left_out } = JSON.parse(exported.out);
  const logs = (n: number): string[] =>
    ["summary", "detail"].map((log) => `results/a/m/SingleStream/performance/run_${n}/mlperf_log_${log}.txt`);
  const beside = ["measurements.json", "user.conf", "README.md"].map((name) => `results/a/m/SingleStream/${name}`);
  const wanted = ["systems/a.json", ...beside, ...logs(1), ...logs(2), "src/README.md"];
  expect(files).toEqual(wanted.map((path) => join(out, "open/acme", path)));
  expect(left_out).toEqual([
    "a m of run 03: nothing was measured: it died",
    "open/acme/results/a/m/SingleStream/accuracy: no accuracy was measured",
  ]);
  expect(exported.err).toContain("warning: left out: a m of run 03");
  expect(readFileSync(files[4], "utf8")).toContain("SUT name : a");
  expect(JSON.parse(readFileSync(files[0], "utf8"))).toMatchObject({ submitter: "acme", division: "open" });
  expect((await run(...args)).code).toBe(2);
  expect((await run(...args, "--out", out, "--submitter", "../x")).code).toBe(2);
  rmSync(out, { recursive: true, force: true });
}, 120_000);

test("the MLPerf layout has the classes that a run recorded", async () => {
  const results = mkdtempSync(join(tmpdir(), "mltb-mlperf-classes-"));
  const out = join(results, "out");
  const accuracy = { metric: "top1", correct: 1, total: 2, value: 0.5 };
  const file = join(folder, "02", "result.json");
  const document = JSON.parse(readFileSync(file, "utf8"));
  const stored = { ...document, results: [{ ...document.results[0], accuracy }] };
  const measured = { windows: [], runtime: { name: "r", version: "1", threads: 1 }, method: "edges" };
  const outcome = { measured, numerical: {}, artifacts: [], answers: { predicted: [7, 1], labels: [7, 2] } };
  const measurement = { experiment: 0, target: "a", model: { name: "m", optimizations: [] }, host: {}, outcome };
  const configuration = createHash("sha256").update("[]").digest("hex");
  const { results: _, ...head } = document;
  const recorded = { ...head, schema: "mltb.recorded/1", configuration, measurements: [measurement] };
  mkdirSync(join(results, "r"));
  writeFileSync(join(results, "r", "result.json"), JSON.stringify(stored));
  writeFileSync(join(results, "r", "recorded.json"), JSON.stringify(recorded));
  writeFileSync(join(results, "r", "configuration.json"), "[]");
  const args = ["results", "export", "all", "--format", "mlperf", "--results", results, "--out", out, "--json"];
  const exported = await run(...args);
  expect(JSON.parse(exported.out).left_out).toEqual([]);
  const log = join(out, "open/mltb/results/a/m/SingleStream/accuracy/mlperf_log_accuracy.json");
  expect(JSON.parse(readFileSync(log, "utf8"))).toEqual([
    { seq_id: 0, qsl_idx: 0, data: "07000000" },
    { seq_id: 1, qsl_idx: 1, data: "01000000" },
  ]);
  writeFileSync(join(results, "r", "configuration.json"), "[1]");
  const changed = await run(...args);
  expect(changed.code).toBe(2);
  expect(changed.err).toContain("configuration.json was changed");
  rmSync(results, { recursive: true, force: true });
}, 120_000);

test("a run that lacks what is read is named with what helps, and left out of all", async () => {
  const results = mkdtempSync(join(tmpdir(), "mltb-other-form-"));
  const document = JSON.parse(readFileSync(join(folder, "01", "result.json"), "utf8"));
  mkdirSync(join(results, "old"));
  document.results[0].windows = undefined;
  writeFileSync(join(results, "old", "result.json"), JSON.stringify(document));
  const report = await run("report", join(results, "old"));
  expect(report.code).toBe(2);
  const lacks = `${join(results, "old", "result.json")} has not the form of a result: results[0].windows is missing`;
  expect(report.err).toContain(`${lacks} (an earlier version may have written it: `);
  const all = await run("results", "pareto", "all", "--results", results);
  expect(all.code).toBe(0);
  expect(all.err).toContain(`warning: left out: ${lacks}`);
  rmSync(results, { recursive: true, force: true });
}, 120_000);
