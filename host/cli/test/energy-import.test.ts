import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { importTrace } from "../src/commands/energy.ts";
import { CliError, faultLine } from "../src/errors.ts";
import { run } from "./mltb.ts";

const folder = mkdtempSync(join(tmpdir(), "mltb-energy-"));
afterAll(() => rmSync(folder, { recursive: true }));

const data = process.env["MLTB_DATASET"] ?? fileURLToPath(new URL("../../../../shared/data", import.meta.url));
const index = join(data, "traces", "index.csv");
const published = existsSync(index)
  ? readFileSync(index, "utf8")
      .trim()
      .split("\n")
      .slice(1)
      .map((line) => line.split(",") as [string, string, string, string, string])
      .map(([file, , , inferences, value_uj]) => ({ file, inferences, value_uj: Number(value_uj) }))
  : [];
if (published.length === 0) console.warn(`skipped: no published traces in ${data}; set MLTB_DATASET`);

test.skipIf(published.length === 0)("the published traces give their published figures within 0.02 %", () => {
  expect(published).toHaveLength(8);
  for (const { file, inferences, value_uj } of published) {
    const trace = join(data, "traces", file);
    const times = trace.replace(/-energy\.bin$/, "-timestamps.json");
    const { value, uncertainty } = importTrace(trace, times, Number(inferences)).energy_uj_per_inference;
    expect(Math.abs(value / value_uj - 1), file).toBeLessThan(2e-4);
    expect(uncertainty / value, file).toBeLessThan(0.05);
  }
});

function importOf(trace: string, times: string, inferences: string): string[] {
  return ["energy", "import", trace, "--timestamps", times, "--inferences", inferences];
}

/** A trace at 10 samples/s. */
function traceOf(...values: number[]): Buffer {
  const bytes = Buffer.alloc(5 + 4 * values.length, 0xf1);
  bytes.writeFloatLE(10, 1);
  for (const [n, value] of values.entries()) bytes.writeFloatLE(value, 5 + 4 * n);
  return bytes;
}

test("the rule, worked by hand: samples round(start x rate) + 1 to round(stop x rate), median of the windows", async () => {
  const trace = join(folder, "trace.bin");
  const times = join(folder, "times.json");
  writeFileSync(trace, traceOf(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048));
  writeFileSync(times, "[0.05, 0.1, 0.3, 0.5, 0.6, 0.8, 1.1]");
  const { out } = await run(...importOf(trace, times, "2"), "--json");
  expect(JSON.parse(out)).toMatchObject({
    sample_rate_hz: 10,
    samples: 12,
    windows: [
      { start_s: 0.1, stop_s: 0.3, energy_uj: 4 + 8 },
      { start_s: 0.5, stop_s: 0.6, energy_uj: 64 },
      { start_s: 0.8, stop_s: 1.1, energy_uj: 512 + 1024 + 2048 },
    ],
    energy_uj_per_inference: { value: 32, uncertainty: expect.any(Number) },
  });
});

test.each([
  ["no trace", "nowhere.bin", undefined, "[0,0.1,0.2]", /nowhere\.bin not found/],
  ["another file", "other.bin", Buffer.from("hello"), "[0,0.1,0.2]", /no energy trace/],
  ["a cut trace", "cut.bin", traceOf(1, 2, 3).subarray(0, 15), "[0,0.1,0.2]", /no whole number of samples/],
  ["a sample that is no number", "nan.bin", traceOf(1, Number.NaN, 3), "[0,0.1,0.2]", /sample 1 is NaN/],
  ["no timestamps", "a.bin", traceOf(1, 2, 3), undefined, /times-a\.bin\.json not found/],
  ["an even number of times", "b.bin", traceOf(1, 2, 3), "[0, 0.1]", /times-b\.bin\.json:1:1: error: 2 times/],
  ["a window beyond the trace", "c.bin", traceOf(1, 2, 3), "[0,\n0.1, 9]", /c\.bin\.json:2:6: error: .* ends at 9 s/],
  ["a window backwards", "d.bin", traceOf(1, 2, 3), "[0, 0.2, 0.1]", /has no length/],
  ["times that are words", "e.bin", traceOf(1, 2, 3), '[0, "soon", 0.1]', /e\.bin\.json:1:5: error/],
])("%s: exit 2 and what is wrong", (_name, name, trace, times, message) => {
  if (trace !== undefined) writeFileSync(join(folder, name), trace);
  const timesFile = join(folder, `times-${name}.json`);
  if (times !== undefined) writeFileSync(timesFile, times);
  let error: unknown;
  try {
    importTrace(join(folder, name), timesFile, 1);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(CliError);
  expect((error as CliError).exit).toBe(2);
  expect((error as CliError).faults.map(faultLine).join("\n")).toMatch(message);
});

test("the command says a fault with file, line and column and exits with 2", async () => {
  const { code, err } = await run(...importOf("nowhere.bin", "nowhere.json", "1"));
  expect(err).toBe("nowhere.bin:1:1: error: nowhere.bin not found\n");
  expect(code).toBe(2);
});
