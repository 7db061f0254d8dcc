import { datatype, elements, splitBytes } from "../datatypes.ts";
import { invalid } from "../errors.ts";
import type { Tensor, TensorInfo } from "../runtimes/runtime.ts";
import { valuesToRaw } from "./contents.ts";

/** An input of a request, whatever it came over. */
export interface GivenInput {
  name: string;
  datatype: string;
  shape: number[];
  /** Raw bytes, or values in row-major order. */
  data: { raw: Uint8Array } | { values: readonly unknown[] } | undefined;
  /** Names of the parameters that came with it. */
  parameters: readonly string[];
}

function checkNames(inputs: readonly GivenInput[], infos: readonly TensorInfo[], model: string): void {
  const seen = new Set<string>();
  for (const { name, parameters } of inputs) {
    if (seen.has(name)) throw invalid(`input '${name}' already exists in request`);
    seen.add(name);
    if (!infos.some((info) => info.name === name))
      throw invalid(`unexpected inference input '${name}' for model '${model}'`);
    const memory = parameters.find((parameter) => parameter.startsWith("shared_memory"));
    if (memory !== undefined)
      throw invalid(`input '${name}': shared memory is not supported; send the tensor in the request`);
  }
  const missing = infos.filter((info) => !seen.has(info.name)).map((info) => info.name);
  if (missing.length > 0) {
    throw invalid(
      `expected ${infos.length} inputs but got ${inputs.length} inputs for model '${model}'. ` +
        `Got input(s) [${list([...seen])}], but missing required input(s) [${list(missing)}]`,
    );
  }
}

function list(names: readonly string[]): string {
  return names.map((name) => `'${name}'`).join(", ");
}

/** Checks a tensor's bytes against its shape. */
function checkSize(what: string, type: string, dims: number[], raw: Uint8Array): void {
  const wanted = elements(dims);
  if (type === "BYTES") {
    const parts = splitBytes(raw);
    if (parts === undefined) throw invalid(`${what}: the lengths of its elements do not fill its ${raw.length} bytes`);
    if (parts.length !== wanted) throw invalid(`${what}: ${wanted} elements are wanted, ${parts.length} were given`);
    return;
  }
  const bytes = wanted * (datatype(type)?.bytes ?? 1);
  if (raw.length !== bytes)
    throw invalid(`${what}: ${bytes} bytes are wanted for shape [${dims}], ${raw.length} were given`);
}

/** Checks the inputs of a request against the model and brings them into the model's order. Throws `invalid-argument`. */
export function requestTensors(inputs: readonly GivenInput[], infos: readonly TensorInfo[], model: string): Tensor[] {
  checkNames(inputs, infos, model);
  return infos.map((info) => {
    const input = inputs.find((entry) => entry.name === info.name) as GivenInput;
    const what = `input '${info.name}'`;
    const type = datatype(input.datatype);
    if (type === undefined) throw invalid(`${what}: datatype '${input.datatype}' is unknown`);
    if (info.type !== input.datatype) {
      throw invalid(`inference ${what} data-type is '${input.datatype}', but model '${model}' expects '${info.type}'`);
    }
    const dims = input.shape;
    const fits =
      dims.length === info.shape.length &&
      dims.every((dim, i) => Number.isSafeInteger(dim) && dim >= 0 && (info.shape[i] === -1 || info.shape[i] === dim));
    if (!fits)
      throw invalid(`unexpected shape for ${what} for model '${model}'. Expected [${info.shape}], got [${dims}]`);
    if (input.data === undefined) throw invalid(`${what}: it carries no data`);
    if ("values" in input.data && input.data.values.length !== elements(dims)) {
      throw invalid(`${what}: ${elements(dims)} values are wanted, ${input.data.values.length} were given`);
    }
    const data = "raw" in input.data ? input.data.raw : valuesToRaw(input.data.values, type);
    checkSize(what, info.type, dims, data);
    return { type: info.type, dims, data };
  });
}

/** Raw tensors of a Measure input set, in the model's order; open dimensions count as 1. */
export function rawSet(raw: readonly Uint8Array[], infos: readonly TensorInfo[]): Tensor[] {
  if (raw.length !== infos.length) throw invalid(`the model has ${infos.length} inputs, a set has ${raw.length}`);
  return infos.map((info, i) => {
    const dims = info.shape.map((dim) => (dim === -1 ? 1 : dim));
    const data = raw[i] as Uint8Array;
    checkSize(`input '${info.name}'`, info.type, dims, data);
    return { type: info.type, dims, data };
  });
}
