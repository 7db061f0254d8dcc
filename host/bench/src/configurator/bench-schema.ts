import { identifierSchema, nameSchema, z } from "@mltb/contract";
import { measureSchema } from "./measure-schema.ts";

/** Classes of services that a workflow may name (DESIGN section 6). */
const serviceClasses = ["conversion", "quantization", "compression", "compilation", "deployment", "inference"] as const;

/** What a class of services takes, as data: a service may name parameters of its own. */
const parameterSchema = z.strictObject({
  type: z.enum(["string", "number", "boolean", "list"]),
  default: z.union([z.string(), z.number(), z.boolean(), z.array(z.union([z.string(), z.number()]))]).optional(),
  values: z.array(z.union([z.string(), z.number()])).optional(),
});

const values = z.record(
  z.string(),
  z.union([z.string(), z.number(), z.boolean(), z.array(z.union([z.string(), z.number()]))]),
);

/**
 * Entries of a typed bench file by their tag. The forms of application, measurement, optimization and exp are those of the
 * original bench; the others are what they refer to.
 */
export const entrySchemas = {
  service: z.strictObject({
    identifier: identifierSchema,
    class: z.enum(serviceClasses),
    /** Phases that nodes of this service pass between `config` and `start`, such as a recalibration. */
    phases: z.array(identifierSchema).max(8).default([]),
    parameters: z.record(identifierSchema, parameterSchema).default({}),
  }),
  component: z.strictObject({
    identifier: identifierSchema,
    service: identifierSchema,
    tool: z.string().min(1),
    parameters: values.default({}),
  }),
  workflow: z.strictObject({
    identifier: identifierSchema,
    nodes: z
      .array(
        z.strictObject({
          node: identifierSchema.optional(),
          service: identifierSchema,
          component: identifierSchema,
          after: z.array(identifierSchema).optional(),
          /** Further attempts of a phase that failed, other than for the model's own fault. */
          retries: z.int().min(0).max(5).default(0),
        }),
      )
      .min(1)
      .max(100),
  }),
  target: z.strictObject({
    identifier: identifierSchema,
    bay: z.string().min(1),
    name: nameSchema,
  }),
  env: z.strictObject({
    identifier: identifierSchema,
    variables: z.record(z.string().regex(/^[A-Z_][A-Z0-9_]*$/, "a variable is written in capitals"), z.string()),
  }),
  application: z.strictObject({
    identifier: identifierSchema,
    model_name: identifierSchema,
    model_folder: z.string().min(1),
    data_name: z.string().min(1),
    data_folder: z.string().min(1),
    scaling: z.enum(["NONE", "INCEPTION", "VGG"]),
    shape: z.tuple([z.int().min(1), z.int().min(1), z.int().min(1)]),
    dformat: z.enum(["FORMAT_NCHW", "FORMAT_NHWC"]),
    dtype: z.enum(["FP32", "INT8", "UINT8"]),
  }),
  measurement: z.strictObject({
    identifier: identifierSchema,
    mname: z.string().regex(/^[a-zA-Z_:][a-zA-Z0-9_:]*$/, "the name of a metric is wanted"),
  }),
  optimization: z.strictObject({
    identifier: identifierSchema,
    otype: z.enum(["quantization"]),
    options: z
      .array(z.enum(["dynamic", "static", "int8"]))
      .min(1)
      .max(2),
  }),
  exp: z.strictObject({
    identifier: identifierSchema,
    name: identifierSchema,
    application: identifierSchema,
    workflow: identifierSchema,
    target: identifierSchema,
    measurements: z.array(identifierSchema).min(1),
    optimizations: z.array(identifierSchema).default([]),
    measure: measureSchema.prefault({}),
  }),
} as const;

export type EntryKind = keyof typeof entrySchemas;
export type Entry<K extends EntryKind> = z.infer<(typeof entrySchemas)[K]>;

/** Section of each kind of entry. */
export const sections: Record<string, EntryKind> = {
  services: "service",
  components: "component",
  workflows: "workflow",
  targets: "target",
  envs: "env",
  applications: "application",
  measurements: "measurement",
  optimizations: "optimization",
  exps: "exp",
};

/** Metrics that an experiment may ask for without defining a measurement, and the field of a result that holds each. */
export const builtInMetrics: Record<string, string> = {
  compute_input: "phases_us.pre",
  compute_infer: "phases_us.inference",
  compute_output: "phases_us.post",
  latency: "latency_us.p50",
  throughput: "throughput_per_s",
  energy: "energy_uj_per_inference.value",
  memory: "memory_bytes.peak",
};

/** The same metrics by the names that Triton's statistics give them. */
export const metricNames: Record<string, string> = {
  nv_inference_compute_input_duration_us: "phases_us.pre",
  nv_inference_compute_infer_duration_us: "phases_us.inference",
  nv_inference_compute_output_duration_us: "phases_us.post",
  nv_inference_request_duration_us: "latency_us.mean",
};
