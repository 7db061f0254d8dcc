import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { analyzeFile } from "./analyze-file.ts";

const repository =
  process.env["MODELS_REPO"] ?? fileURLToPath(new URL("../../../../shared/data/models", import.meta.url));
const present = existsSync(join(repository, "kws_ref_model.onnx"));
if (!present) console.warn(`skipped: no trained models in ${repository}; set MODELS_REPO`);

/** MACs, weights (biases and normalisations among them) and those of them that are biases, for working out bytes. */
interface Count {
  macs: number;
  weights: number;
  biases: number;
}
const none: Count = { macs: 0, weights: 0, biases: 0 };
const sum = (...layers: Count[]): Count =>
  layers.reduce(
    (a, b) => ({ macs: a.macs + b.macs, weights: a.weights + b.weights, biases: a.biases + b.biases }),
    none,
  );

/** `out` filters of `in` channels and kh x kw on an oh x ow picture: one product per weight and place, a bias per filter. */
const conv = (out: number, input: number, [kh, kw]: [number, number], [oh, ow]: [number, number]): Count => ({
  macs: out * input * kh * kw * oh * ow,
  weights: out * input * kh * kw + out,
  biases: out,
});
/** One 3 x 3 filter per channel, then 1 x 1 filters over the channels, on an s x s picture. */
const separable = (input: number, out: number, size: [number, number]): Count =>
  sum(conv(input, 1, [3, 3], size), conv(out, input, [1, 1], size));
const dense = (input: number, out: number): Count => ({ macs: input * out, weights: input * out + out, biases: out });
/** A convolution without bias, then scale, shift, mean and variance per channel. */
const normalised = (layer: Count): Count => ({
  ...layer,
  weights: layer.weights - layer.biases + 4 * layer.biases,
  biases: 0,
});
const square = (n: number): [number, number] => [n, n];

/** Keywords: 10 x 4 filters of stride 2 on 49 x 10 give 25 x 5; four separable blocks; mean; dense to 12. */
const dsCnn = (c: number): Count =>
  sum(conv(c, 1, [10, 4], [25, 5]), ...Array.from({ length: 4 }, () => separable(c, c, [25, 5])), dense(c, 12));

/** ResNet-8 on 32 x 32: stem of 16; blocks of 16 at 32, 32 at 16, 64 at 8, the latter two with a 1 x 1 shortcut; dense. */
const resnet8 = sum(
  conv(16, 3, [3, 3], square(32)),
  ...[conv(16, 16, [3, 3], square(32)), conv(16, 16, [3, 3], square(32))],
  ...[conv(32, 16, [3, 3], square(16)), conv(32, 32, [3, 3], square(16)), conv(32, 16, [1, 1], square(16))],
  ...[conv(64, 32, [3, 3], square(8)), conv(64, 64, [3, 3], square(8)), conv(64, 32, [1, 1], square(8))],
  dense(64, 10),
);

/** MobileNet v1 on 96 x 96: a stem of stride 2 gives 48 x 48; blocks halve it to 24, 12, 6 and 3; dense to 2. */
const mobilenet = ([a, b, c, d, e, f]: [number, number, number, number, number, number]): Count =>
  sum(
    conv(a, 3, [3, 3], square(48)),
    // A block of stride 2 is listed with the size behind its first filters, which is that of all its products.
    separable(a, b, square(48)),
    separable(b, c, square(24)),
    separable(c, c, square(24)),
    separable(c, d, square(12)),
    separable(d, d, square(12)),
    separable(d, e, square(6)),
    ...Array.from({ length: 5 }, () => separable(e, e, square(6))),
    separable(e, f, square(3)),
    separable(f, f, square(3)),
    dense(f, 2),
  );

/** Inverted residual: 1 x 1 to `wide` at the old size, 3 x 3 per channel at the new one, 1 x 1 to `out`; each normalised. */
const inverted = (input: number, wide: number, out: number, from: number, to: number): Count =>
  sum(
    normalised(conv(wide, input, [1, 1], square(from))),
    normalised(conv(wide, 1, [3, 3], square(to))),
    normalised(conv(out, wide, [1, 1], square(to))),
  );
const openIc = sum(
  normalised(conv(24, 3, [3, 3], square(16))),
  normalised(conv(24, 1, [3, 3], square(16))),
  normalised(conv(8, 24, [1, 1], square(16))),
  inverted(8, 24, 16, 16, 8),
  inverted(16, 48, 16, 8, 8),
  inverted(16, 48, 24, 8, 4),
  inverted(24, 96, 24, 4, 4),
  inverted(24, 72, 48, 4, 4),
  inverted(48, 144, 48, 4, 4),
  inverted(48, 96, 112, 4, 4),
  normalised(conv(448, 112, [1, 1], square(4))),
  normalised(conv(88, 448, [1, 1], square(1))),
  dense(88, 10),
);

const chain = (...sizes: number[]): Count => sum(...sizes.slice(1).map((out, i) => dense(sizes[i] as number, out)));
const autoencoder = chain(640, 128, 128, 128, 128, 8, 128, 128, 128, 128, 640);
/** 640-32-16-8-16-32-640; all layers but the last have a normalisation of four values per unit behind their biases. */
const openAd = sum(chain(640, 32, 16, 8, 16, 32, 640), { ...none, weights: 4 * (32 + 16 + 8 + 16 + 32) });

const float = (count: Count): number => 4 * count.weights;
/** Weights of one byte, biases of four. */
const int8 = (count: Count): number => count.weights - count.biases + 4 * count.biases;

/**
 * Largest activations of one operator, in and out. DS-CNN: 25 x 5 x c on both sides. ResNet-8: an addition of two 32 x 32 x
 * 16 into a third. MobileNet: 1 x 1 filters from a to b channels at 48 x 48. In the quantised ONNX files the operators
 * compute in float32 between QuantizeLinear and DequantizeLinear, in the TFLite files in int8.
 */
const expected: Record<string, [Count, parameters_bytes: number, largest_live_bytes: number]> = {
  "ad01_int8.tflite": [autoencoder, int8(autoencoder), 640 + 128],
  "kws_ref_model.tflite": [dsCnn(64), int8(dsCnn(64)), 2 * 25 * 5 * 64],
  "pretrainedResnet_quant.tflite": [resnet8, int8(resnet8), 3 * 32 * 32 * 16],
  "vww_96_int8.tflite": [
    mobilenet([8, 16, 32, 64, 128, 256]),
    int8(mobilenet([8, 16, 32, 64, 128, 256])),
    48 * 48 * (8 + 16),
  ],
  "kws_ref_model.onnx": [dsCnn(64), int8(dsCnn(64)), 4 * 2 * 25 * 5 * 64],
  "resnet.onnx": [resnet8, int8(resnet8), 4 * 3 * 32 * 32 * 16],
  "pretrainedResnet_float.onnx": [resnet8, float(resnet8), 4 * 3 * 32 * 32 * 16],
  "mobilenet_v1.onnx": [
    mobilenet([8, 16, 32, 64, 128, 256]),
    int8(mobilenet([8, 16, 32, 64, 128, 256])),
    4 * 48 * 48 * (8 + 16),
  ],
  // Its Relu is a node of its own: 48 x 48 x 16 goes in and out of it.
  "vww_96_float.onnx": [
    mobilenet([8, 16, 32, 64, 128, 256]),
    float(mobilenet([8, 16, 32, 64, 128, 256])),
    4 * 48 * 48 * 2 * 16,
  ],
  // QuantizeLinear of its input: 640 of float32 in, 640 of one byte out.
  "deep_autoencoder.onnx": [autoencoder, int8(autoencoder), 4 * 640 + 640],
  "alibaba_open_ad.onnx": [openAd, float(openAd), 4 * (640 + 32)],
  // The normalisation of 448 x 4 x 4, in and out; that of 24 x 16 x 16 is less.
  "alibaba_open_ic.onnx": [openIc, float(openIc), 4 * 2 * 448 * 4 * 4],
  "alibaba_open_kws.onnx": [dsCnn(32), float(dsCnn(32)), 4 * 2 * 25 * 5 * 32],
  // Stem: 3 x 96 x 96 in, 4 x 48 x 48 out.
  "alibaba_open_vww.onnx": [
    mobilenet([4, 4, 7, 13, 26, 52]),
    float(mobilenet([4, 4, 7, 13, 26, 52])),
    4 * (3 * 96 * 96 + 4 * 48 * 48),
  ],
};

test.skipIf(!present).each(Object.entries(expected))(
  "%s: counted as worked out from its layers",
  (file, [count, parameters, live]) => {
    expect(analyzeFile(readFileSync(join(repository, file)))).toMatchObject({
      macs: count.macs,
      weights: count.weights,
      parameters_bytes: parameters,
      largest_live_bytes: live,
    });
  },
);

/** peers-ml-bench 1.3, read from the files by another program: MACs, weights, largest live tensors of one operator. */
test.skipIf(!present).each([
  ["ad01_int8.tflite", 264_192, 265_864, 768],
  ["kws_ref_model.tflite", 2_656_768, 22_604, 16_000],
  ["pretrainedResnet_quant.tflite", 12_501_632, 77_706, 49_152],
  ["vww_96_int8.tflite", 7_489_664, 210_850, 55_296],
])("%s: as published, with its operators, inputs and outputs", (file, macs, weights, live) => {
  const analysis = analyzeFile(readFileSync(join(repository, file)));
  expect(analysis).toMatchObject({ macs, weights, largest_live_bytes: live });
  expect(Object.values(analysis.operators).reduce((a, b) => a + b, 0)).toBeGreaterThan(9);
  expect([...analysis.inputs, ...analysis.outputs].map(({ dtype }) => dtype)).toEqual(["int8", "int8"]);
});

test.skipIf(!present)("every model of the repository is in the table", () => {
  const files = readdirSync(repository).filter((file) => /\.(onnx|tflite)$/.test(file));
  expect(files.filter((file) => expected[file] === undefined)).toEqual([]);
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
