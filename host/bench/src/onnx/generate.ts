import { GraphBuilder } from "./build.ts";

/** Networks that the bench generates; the architectures are those of MLPerf Tiny, the weights are random and seeded. */
export const generatedModels = {
  "ds-cnn-kws": { input: [1, 1, 49, 10], classes: 12, build: dsCnn },
  resnet8: { input: [1, 3, 32, 32], classes: 10, build: resnet8 },
} as const;

export type GeneratedName = keyof typeof generatedModels;

/**
 * A stand-in for the densenet_onnx of the original bench's example: its input (data_0, 3 x 224 x 224), its output (fc6_1, 1000
 * classes) and a densely connected block, small enough to lie in `examples/seed/models`. Its weights are random.
 */
export function generateDensenetStandIn(): Uint8Array {
  const g = new GraphBuilder("densenet_onnx", { name: "data_0", shape: [1, 3, 224, 224] }, 3);
  let x = g.relu(g.conv("data_0", [3, 8], [7, 7], 4, [3, 3, 3, 3]));
  for (const channels of [8, 12, 16]) x = g.concat([x, g.relu(g.conv(x, [channels, 4], [3, 3], 1, [1, 1, 1, 1]))]);
  x = g.relu(g.conv(x, [20, 8], [1, 1], 2, [0, 0, 0, 0]));
  return g.finish(g.dense(g.flatten(g.globalAveragePool(x)), 8, 1000), [1, 1000], "fc6_1");
}

/** One Relu over `elements` float32 values: nearly nothing to compute, so that what remains is the way of the tensors. */
export function generateRelu(elements: number): Uint8Array {
  const g = new GraphBuilder("relu", { name: "input", shape: [1, elements] }, 4);
  return g.finish(g.relu("input"), [1, elements]);
}

/** The ONNX file of a generated network; the same bytes on every machine. */
export function generateModel(name: GeneratedName): Uint8Array {
  return generatedModels[name].build();
}

/** DS-CNN for keywords: a 10 x 4 convolution of stride 2, four depthwise-separable blocks of 64 channels, dense to 12. */
function dsCnn(): Uint8Array {
  const g = new GraphBuilder("ds-cnn-kws", { name: "input", shape: [1, 1, 49, 10] }, 1);
  // Padding "same" of TensorFlow: 49 x 10 becomes 25 x 5.
  let x = g.relu(g.conv("input", [1, 64], [10, 4], 2, [4, 1, 5, 1]));
  for (let block = 0; block < 4; block += 1) {
    x = g.relu(g.conv(x, [64, 64], [3, 3], 1, [1, 1, 1, 1], 64));
    x = g.relu(g.conv(x, [64, 64], [1, 1], 1, [0, 0, 0, 0]));
  }
  return g.finish(g.softmax(g.dense(g.flatten(g.globalAveragePool(x)), 64, 12)), [1, 12]);
}

/** ResNet-8 for 32 x 32 pictures: a stem of 16 channels, three residual stacks of 16, 32 and 64, dense to 10. */
function resnet8(): Uint8Array {
  const g = new GraphBuilder("resnet8", { name: "input", shape: [1, 3, 32, 32] }, 2);
  const same = [1, 1, 1, 1];
  let x = g.relu(g.conv("input", [3, 16], [3, 3], 1, same));
  let y = g.conv(g.relu(g.conv(x, [16, 16], [3, 3], 1, same)), [16, 16], [3, 3], 1, same);
  x = g.relu(g.add(x, y));
  for (const [from, to] of [
    [16, 32],
    [32, 64],
  ] as const) {
    // Stride 2 with "same" padding of an even size: nothing before, one behind.
    y = g.conv(g.relu(g.conv(x, [from, to], [3, 3], 2, [0, 0, 1, 1])), [to, to], [3, 3], 1, same);
    const shortcut = g.conv(x, [from, to], [1, 1], 2, [0, 0, 0, 0]);
    x = g.relu(g.add(shortcut, y));
  }
  return g.finish(g.softmax(g.dense(g.flatten(g.globalAveragePool(x)), 64, 10)), [1, 10]);
}
