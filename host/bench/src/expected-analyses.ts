// For tests: what is to be told of the published models, worked out by hand from their layers.

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

type Operators = Record<string, number>;
const tensor = (name: string, dtype: string, ...shape: number[]) => ({ name, dtype, shape });

/**
 * In quantised ONNX files the input and what each layer, addition and pool makes goes through a QuantizeLinear and a
 * DequantizeLinear; weights and bias of each layer come through a DequantizeLinear each.
 */
const quantised = (activations: number, layers: number): Operators => ({
  QuantizeLinear: activations,
  DequantizeLinear: activations + 2 * layers,
});

/** Filters of a network, its dense layer (with which the layers are one more), and what stands behind its picture. */
const head = { Gemm: 1, AveragePool: 1, Softmax: 1 };
const dsCnnFilters = 1 + 4 * 2;
const mobilenetFilters = 1 + 13 * 2;
/** Three blocks of two, the latter two with a shortcut; a Relu behind all but the shortcuts, an addition to a block. */
const resnetFilters = 1 + 3 * 2 + 2;
const residual = { ...head, Conv: resnetFilters, Add: 3, Reshape: 1, Transpose: 1 };
/** Three filters ahead of seven blocks of three, two behind; Clip behind all but those that end a block, and not behind the last. */
const openIcFilters = 3 + 7 * 3 + 2;
const openIcClips = 2 + 7 * 2 + 1;

const lite = { AVERAGE_POOL_2D: 1, FULLY_CONNECTED: 1, RESHAPE: 1, SOFTMAX: 1 };

interface Expected {
  count: Count;
  parameters_bytes: number;
  live: number;
  operators: Operators;
  input: ReturnType<typeof tensor>;
  output: ReturnType<typeof tensor>;
}

/**
 * `live`: largest activations of one operator, in and out. DS-CNN: 25 x 5 x c on both sides. ResNet-8: an addition of two 32 x
 * 32 x 16 into a third. MobileNet: 1 x 1 filters from a to b channels at 48 x 48. In the quantised ONNX files the operators
 * compute in float32 between QuantizeLinear and DequantizeLinear, in the TFLite files in int8. Names of inputs and outputs are
 * those that a reading of the files by another program gave, which counted the operators too.
 */
export const expectedAnalyses: Record<string, Expected> = {
  "ad01_int8.tflite": {
    count: autoencoder,
    parameters_bytes: int8(autoencoder),
    live: 640 + 128,
    operators: { FULLY_CONNECTED: 10 },
    input: tensor("input_1", "int8", 1, 640),
    output: tensor("Identity", "int8", 1, 640),
  },
  "kws_ref_model.tflite": {
    count: dsCnn(64),
    parameters_bytes: int8(dsCnn(64)),
    live: 2 * 25 * 5 * 64,
    operators: { ...lite, CONV_2D: 1 + 4, DEPTHWISE_CONV_2D: 4 },
    input: tensor("input_1", "int8", 1, 49, 10, 1),
    output: tensor("Identity", "int8", 1, 12),
  },
  "pretrainedResnet_quant.tflite": {
    count: resnet8,
    parameters_bytes: int8(resnet8),
    live: 3 * 32 * 32 * 16,
    operators: { ...lite, CONV_2D: resnetFilters, ADD: 3 },
    input: tensor("input_1_int8", "int8", 1, 32, 32, 3),
    output: tensor("Identity_int8", "int8", 1, 10),
  },
  "vww_96_int8.tflite": {
    count: mobilenet([8, 16, 32, 64, 128, 256]),
    parameters_bytes: int8(mobilenet([8, 16, 32, 64, 128, 256])),
    live: 48 * 48 * (8 + 16),
    operators: { ...lite, CONV_2D: 1 + 13, DEPTHWISE_CONV_2D: 13 },
    input: tensor("input_1_int8", "int8", 1, 96, 96, 3),
    output: tensor("Identity_int8", "int8", 1, 2),
  },
  "kws_ref_model.onnx": {
    count: dsCnn(64),
    parameters_bytes: int8(dsCnn(64)),
    live: 4 * 2 * 25 * 5 * 64,
    // Quantised: the input, what the filters make, the mean and the dense layer's output.
    operators: { ...head, Conv: dsCnnFilters, Reshape: 2, ...quantised(1 + dsCnnFilters + 2, dsCnnFilters + 1) },
    input: tensor("input_1", "float32", 1, 490),
    output: tensor("dense", "float32", 1, 12),
  },
  "resnet.onnx": {
    count: resnet8,
    parameters_bytes: int8(resnet8),
    live: 4 * 3 * 32 * 32 * 16,
    operators: { ...residual, ...quantised(1 + resnetFilters + 3 + 2, resnetFilters + 1) },
    input: tensor("input_1", "float32", 1, 32, 32, 3),
    output: tensor("dense", "float32", 1, 10),
  },
  "pretrainedResnet_float.onnx": {
    count: resnet8,
    parameters_bytes: float(resnet8),
    live: 4 * 3 * 32 * 32 * 16,
    operators: { ...residual, Relu: resnetFilters - 2 },
    input: tensor("input_1", "float32", 1, 3, 32, 32),
    output: tensor("Identity", "float32", 1, 10),
  },
  "mobilenet_v1.onnx": {
    count: mobilenet([8, 16, 32, 64, 128, 256]),
    parameters_bytes: int8(mobilenet([8, 16, 32, 64, 128, 256])),
    live: 4 * 48 * 48 * (8 + 16),
    operators: {
      ...{ ...head, Conv: mobilenetFilters, Reshape: 1, Transpose: 1 },
      ...quantised(1 + mobilenetFilters + 2, mobilenetFilters + 1),
    },
    input: tensor("input_1", "float32", 1, 3, 96, 96),
    output: tensor("Identity", "float32", 1, 2),
  },
  "vww_96_float.onnx": {
    count: mobilenet([8, 16, 32, 64, 128, 256]),
    parameters_bytes: float(mobilenet([8, 16, 32, 64, 128, 256])),
    // Its Relu is a node of its own: 48 x 48 x 16 goes in and out of it.
    live: 4 * 48 * 48 * 2 * 16,
    operators: { ...head, Conv: mobilenetFilters, Relu: mobilenetFilters, Reshape: 1, Transpose: 1 },
    input: tensor("input_1", "float32", 1, 3, 96, 96),
    output: tensor("Identity", "float32", 1, 2),
  },
  "deep_autoencoder.onnx": {
    count: autoencoder,
    parameters_bytes: int8(autoencoder),
    // QuantizeLinear of its input: 640 of float32 in, 640 of one byte out.
    live: 4 * 640 + 640,
    operators: { Gemm: 10, ...quantised(1 + 10, 10) },
    input: tensor("input_1", "float32", 1, 640),
    output: tensor("Identity", "float32", 1, 640),
  },
  "alibaba_open_ad.onnx": {
    count: openAd,
    parameters_bytes: float(openAd),
    live: 4 * (640 + 32),
    operators: { Gemm: 6, BatchNormalization: 5, Relu: 5 },
    input: tensor("actual_input_1", "float32", 1, 640),
    output: tensor("output1", "float32", 1, 640),
  },
  "alibaba_open_ic.onnx": {
    count: openIc,
    parameters_bytes: float(openIc),
    // The normalisation of 448 x 4 x 4, in and out; that of 24 x 16 x 16 is less.
    live: 4 * 2 * 448 * 4 * 4,
    // A block that keeps channels and size adds its input. A Clip has its two bounds from a Constant each.
    operators: {
      ...{ Conv: openIcFilters, BatchNormalization: openIcFilters, Clip: openIcClips, Constant: 2 * openIcClips },
      ...{ Add: 3, GlobalAveragePool: 1, Squeeze: 2, Gemm: 1 },
    },
    // Its batch is open.
    input: tensor("actual_input_1", "float32", 1, 3, 32, 32),
    output: tensor("output1", "float32", 1, 10),
  },
  "alibaba_open_kws.onnx": {
    count: dsCnn(32),
    parameters_bytes: float(dsCnn(32)),
    live: 4 * 2 * 25 * 5 * 32,
    operators: { Conv: dsCnnFilters, Relu: dsCnnFilters, AveragePool: 1, Gemm: 1, Reshape: 2 },
    input: tensor("x:0", "float32", 1, 49, 10, 1),
    output: tensor("Identity:0", "float32", 1, 12),
  },
  "alibaba_open_vww.onnx": {
    count: mobilenet([4, 4, 7, 13, 26, 52]),
    parameters_bytes: float(mobilenet([4, 4, 7, 13, 26, 52])),
    // Stem: 3 x 96 x 96 in, 4 x 48 x 48 out.
    live: 4 * (3 * 96 * 96 + 4 * 48 * 48),
    operators: { Conv: mobilenetFilters, Relu: mobilenetFilters, GlobalAveragePool: 1, Squeeze: 2, Gemm: 1 },
    input: tensor("actual_input_1", "float32", 1, 3, 96, 96),
    output: tensor("output1", "float32", 1, 2),
  },
};
