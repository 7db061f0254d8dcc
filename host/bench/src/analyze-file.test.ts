import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { analyzeFile } from "./analyze-file.ts";
import { expectedAnalyses } from "./expected-analyses.ts";

const repository =
  process.env["MODELS_REPO"] ?? fileURLToPath(new URL("../../../../shared/data/models", import.meta.url));
const present = existsSync(join(repository, "kws_ref_model.onnx"));
if (!present) console.warn(`skipped: no trained models in ${repository}; set MODELS_REPO`);

test.skipIf(!present).each(Object.entries(expectedAnalyses))(
  "%s: all that is told of it is as worked out from its layers",
  (file, { count, parameters_bytes, live, operators, input, output }) => {
    expect(analyzeFile(readFileSync(join(repository, file)))).toEqual({
      macs: count.macs,
      weights: count.weights,
      parameters_bytes,
      largest_live_bytes: live,
      operators,
      inputs: [input],
      outputs: [output],
    });
  },
);

/** peers-ml-bench 1.3, read from the files by another program: MACs, weights, largest live tensors of one operator. */
test.skipIf(!present).each([
  ["ad01_int8.tflite", 264_192, 265_864, 768],
  ["kws_ref_model.tflite", 2_656_768, 22_604, 16_000],
  ["pretrainedResnet_quant.tflite", 12_501_632, 77_706, 49_152],
  ["vww_96_int8.tflite", 7_489_664, 210_850, 55_296],
])("%s: as published", (file, macs, weights, live) => {
  const analysis = analyzeFile(readFileSync(join(repository, file)));
  expect(analysis).toMatchObject({ macs, weights, largest_live_bytes: live });
});

test.skipIf(!present)("every model of the repository is in the table", () => {
  const files = readdirSync(repository).filter((file) => /\.(onnx|tflite)$/.test(file));
  expect(files.sort()).toEqual(Object.keys(expectedAnalyses).sort());
});

test.skipIf(!present)("a TFLite file cut anywhere is refused or counted, never more", () => {
  const whole = readFileSync(join(repository, "kws_ref_model.tflite"));
  for (let length = 8; length < whole.length; length += 997) {
    try {
      analyzeFile(whole.subarray(0, length));
    } catch (error) {
      expect((error as Error).constructor.name).toMatch(/TfliteError|UnknownOperatorError/);
    }
  }
  expect(() => analyzeFile(Buffer.from("neither of the two"))).toThrow();
});
