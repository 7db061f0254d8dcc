import { setImmediate } from "node:timers/promises";
import { datatype } from "../datatypes.ts";
import { invalid } from "../errors.ts";
import type { Entry, Repository } from "../repository.ts";
import { runtimeChoice } from "../runtimes/index.ts";
import type { Tensor, TensorInfo } from "../runtimes/runtime.ts";
import type { Converter } from "./converter.ts";
import { type InferAnswer, type InferRequest, requestTensors, type WantedOutput } from "./request.ts";
import { tensorWork } from "./work.ts";

const extensions = [
  "binary_tensor_data",
  "classification",
  "model_configuration",
  "model_repository",
  "parameters",
  "statistics",
];

/** The calls of the Open Inference Protocol, apart from what carries them. */
export class InferenceServer {
  private readonly repository: Repository;
  private readonly version: string;
  private readonly runtime: string;
  private readonly converter: Converter;

  constructor(options: { repository: Repository; version: string; runtime: string; converter: Converter }) {
    this.repository = options.repository;
    this.converter = options.converter;
    this.version = options.version;
    this.runtime = options.runtime;
  }

  metadata(): { name: string; version: string; extensions: string[] } {
    return { name: "mltb-inference", version: this.version, extensions };
  }

  /** Whether the version can serve now, without one the version that answers; false for unknown ones too, as clients of the protocol expect. */
  modelReady(name: string, version: string): boolean {
    const entry = this.repository.named(name, version);
    return entry !== undefined && this.repository.state(entry) === undefined;
  }

  async modelMetadata(name: string, version: string) {
    const entry = this.repository.find(name, version);
    const { inputs, outputs } = await this.repository.process(entry);
    const tensor = ({ name: of, type, shape }: TensorInfo) => ({ name: of, datatype: type, shape });
    return {
      name,
      versions: version === "" ? this.repository.versions(name) : [entry.version],
      platform: runtimeChoice(this.runtime).platform,
      inputs: inputs.map(tensor),
      outputs: outputs.map(tensor),
    };
  }

  /** Batching is off: `max_batch_size` is 0 and the dimensions are the whole shape. */
  async modelConfig(name: string, version: string) {
    const entry = this.repository.find(name, version);
    const { inputs, outputs } = await this.repository.process(entry);
    const { platform, backend, extension } = runtimeChoice(this.runtime);
    const tensor = ({ name: of, type, shape }: TensorInfo) => ({
      name: of,
      data_type: datatype(type)?.config ?? "TYPE_INVALID",
      dims: shape,
    });
    return {
      name,
      platform,
      backend,
      max_batch_size: 0,
      input: inputs.map(tensor),
      output: outputs.map(tensor),
      default_model_filename: `model${extension}`,
    };
  }

  /** Statistics of a model, or of all of them where the name is empty. */
  statistics(name: string, version: string): Entry[] {
    const all = this.repository.entries().filter((entry) => entry.loaded !== undefined);
    if (name === "") return all;
    const chosen = all.filter((entry) => entry.name === name && (version === "" || entry.version === version));
    if (chosen.length === 0) throw invalid(`requested model '${name}' is not available`);
    return chosen;
  }

  index(readyOnly: boolean): { name: string; version: string; state: string; reason: string }[] {
    return this.repository
      .entries()
      .map((entry) => {
        const reason = this.repository.state(entry);
        const state = reason === undefined ? "READY" : "UNAVAILABLE";
        return { name: entry.name, version: entry.version, state, reason: reason ?? "" };
      })
      .filter((row) => !readyOnly || row.state === "READY");
  }

  load(name: string): Promise<void> {
    return this.repository.load(name);
  }

  unload(name: string): void {
    this.repository.unload(name);
  }

  /** One inference. An abort takes a request that still waits out of the queue. */
  async infer(request: InferRequest, signal?: AbortSignal): Promise<InferAnswer> {
    const started = process.hrtime.bigint();
    const sequence = request.parameters.find((name) => name.startsWith("sequence_"));
    if (sequence !== undefined) throw invalid(`parameter '${sequence}': sequences are not supported`);
    const entry = this.repository.find(request.model, request.version);
    const model = await this.repository.process(entry);
    checkOutputs(request, model.outputs);
    const tensors = await requestTensors(request.inputs, model.inputs, request.model);
    const elapsed = (): number => Number(process.hrtime.bigint() - started);
    try {
      const { outputs, times } = await model.infer(tensors, signal);
      entry.statistics.success(elapsed(), times);
      return { version: entry.version, outputs: await this.chosen(request, model.outputs, outputs) };
    } catch (error) {
      entry.statistics.fail(elapsed());
      throw error;
    }
  }

  /** The outputs that were asked for, in the order of the request; all of them where none was named. */
  private async chosen(
    request: InferRequest,
    infos: readonly TensorInfo[],
    outputs: readonly Tensor[],
  ): Promise<InferAnswer["outputs"]> {
    const all = infos.map(({ name }): WantedOutput => ({ name, parameters: [] }));
    const found: InferAnswer["outputs"] = [];
    for (const { name, classification } of request.outputs.length > 0 ? request.outputs : all) {
      const tensor = outputs[infos.findIndex((info) => info.name === name)] as Tensor;
      if (classification === undefined) {
        found.push({ name, tensor });
        continue;
      }
      const sorted = await this.converter.do("classify", tensorWork([tensor]), tensor, classification, name);
      found.push({ name, tensor: sorted });
      // Each sorts a little; of many of them others must not have to wait for all.
      await setImmediate();
    }
    return found;
  }
}

function checkOutputs(request: InferRequest, infos: readonly TensorInfo[]): void {
  const seen = new Set<string>();
  for (const { name, parameters } of request.outputs) {
    if (seen.has(name)) throw invalid(`output '${name}' is requested twice`);
    seen.add(name);
    if (!infos.some((info) => info.name === name))
      throw invalid(`unexpected inference output '${name}' for model '${request.model}'`);
    if (parameters.some((parameter) => parameter.startsWith("shared_memory")))
      throw invalid(`output '${name}': shared memory is not supported; take the tensor from the answer`);
  }
}
