import type { Bay } from "@mltb/contract";
import type { GeneratedName } from "../onnx/index.ts";
import type { Dataset } from "./dataset-schema.ts";
import type { Measure } from "./measure-schema.ts";

/** A step that changes a model before it is measured. */
export interface Optimization {
  otype: "quantization";
  /**
   * `dynamic`: activations are quantised at run time, so that no calibration is needed; `static`: with ranges that were seen over
   * inputs; `int8`: weights of 8 bits.
   */
  options: ("dynamic" | "static" | "int8")[];
}

/** A model of an experiment: a file, or a network that the bench generates, and what is done to it first. */
export type ModelSource = {
  name: string;
  optimizations?: Optimization[];
  /** Threads of the runtime; the agent's own number where it is not given. */
  threads?: number;
} & ({ file: string } | { generate: GeneratedName });

/** A picture as a model's input: decoded, scaled to `shape` and brought into the range that `scaling` names. */
export interface Picture {
  file: string;
  scaling: "NONE" | "INCEPTION" | "VGG";
  /** Channels, height, width for FORMAT_NCHW; height, width, channels for FORMAT_NHWC. */
  shape: [number, number, number];
  dformat: "FORMAT_NCHW" | "FORMAT_NHWC";
  dtype: "FP32" | "INT8" | "UINT8";
}

/** A (service, component) couple of an experiment's workflow. */
export interface WorkflowNode {
  id: string;
  executor: "quantize" | "deploy" | "measure";
  service: string;
  component: string;
  after: string[];
  /** Phases between `config` and `start`. */
  phases: string[];
  /** Further attempts of a phase that failed. */
  retries: number;
  parameters: Record<string, unknown>;
}

/** A metric that an experiment asks for: its name there, the metric, and the field of a result that holds it, if any does. */
export interface MeasuredMetric {
  name: string;
  metric: string;
  field: string | null;
}

/** A checked experiment; file names are absolute. */
export interface Experiment {
  name: string;
  file: string;
  bayFile: string;
  bay: Bay;
  targets: string[];
  models: ModelSource[];
  dataset?: Dataset;
  picture?: Picture;
  measurements?: MeasuredMetric[];
  /** Of a bench file: what the run is made of. It has one target and one model. */
  workflow?: WorkflowNode[];
  measure: Measure;
  /** Of a run: hash over the bytes of data set or picture and what is done to them, as they were when it began. */
  inputs_sha256?: string | null;
}
