import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { expand } from "../configurator/variables.ts";
import { importResults } from "./import.ts";

function file(text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), "mltb-import-")), "x.csv");
  writeFileSync(path, text);
  return path;
}

test("units become ours: a published MLPerf Tiny row", () => {
  const imported = importResults(
    file(
      "round,division,org,system,task,latency_ms,inf_per_s,energy_uJ,top1,auc\n0.5,closed,reference,Nucleo,ic,704.2254,1.42,29207.01,86.5,0.99\n0.5,closed,x,y,kws,,,,,\n",
    ),
  );
  expect(imported).toMatchObject({
    format: "mlperf-tiny",
    results: [
      {
        target: "Nucleo",
        model: "ic",
        latency_us: { p50: 704225.4 },
        energy_uj_per_inference: 29207.01,
        accuracy: 0.865,
      },
    ],
    skipped: [{ line: 3, reason: "the row has no figure" }],
  });
});

test("an unknown table and a broken number are told", () => {
  expect(() => importResults(file("a,b\n1,2\n"))).toThrow(/are those of no known format.*edgemark/);
  const imported = importResults(file("platform,model,type,exec_ms,ram_kB,flash_kB\nP,M,t,fast,1,1\n"));
  expect(imported.skipped).toEqual([{ line: 2, reason: "exec_ms fast is no number" }]);
});

const folder = join(expand("$MLTB_DATASET", ".", process.env).path, "results");

test.skipIf(!existsSync(folder)).each([
  ["mlperf_tiny_results.csv", "mlperf-tiny", 343],
  ["mlperf_inference_v3.0_edge.csv", "mlperf-inference", 3816],
  ["edgemark_results.csv", "edgemark", 545],
  ["aihub_perf_2026-02-24.csv", "ai-hub", 8196],
])("%s is read whole (needs MLTB_DATASET)", (name, format, rows) => {
  const imported = importResults(join(folder, name));
  expect(imported.format).toBe(format);
  expect(imported.source.rows).toBe(rows);
  expect(imported.results.length + imported.skipped.length).toBe(rows);
  expect(imported.skipped.every((row) => row.reason === "the row has no figure")).toBe(true);
});
