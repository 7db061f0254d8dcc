import { setImmediate } from "node:timers/promises";
import { bytesElements, datatype, elements } from "../datatypes.ts";
import { invalid, isAgentError } from "../errors.ts";
import type { Tensor, TensorInfo } from "../runtimes/runtime.ts";
import { valuesToRaw } from "./contents.ts";

/**
 * Data of an input: raw bytes, or what values in row-major order have become, with their number. `fault`: why they are none of
 * the datatype that was given with them; told when name, type and shape are right.
 */
export type GivenData = { raw: Uint8Array } | { values: number; raw: Uint8Array } | { values: number; fault: string };

/** Values of an input, brought into the bytes of a datatype. */
export function givenValues(list: readonly unknown[], oip: string): GivenData {
  const type = datatype(oip);
  if (type === undefined) return { values: list.length, fault: `datatype '${oip}' is unknown` };
  try {
    return { values: list.length, raw: valuesToRaw(list, type) };
  } catch (error) {
    if (isAgentError(error)) return { values: list.length, fault: error.message };
    throw error;
  }
}

/** An input of a request, whatever it came over. */
export interface GivenInput {
  name: string;
  datatype: string;
  shape: number[];
  data: GivenData | undefined;
  /** Names of the parameters that came with it. */
  parameters: readonly string[];
}

/** An output that a request asks for. */
export interface WantedOutput {
  name: string;
  /** Number of best classes; undefined for the tensor itself. */
  classification?: number;
  parameters: readonly string[];
}

export interface InferRequest {
  model: string;
  version: string;
  inputs: GivenInput[];
  /** None means all. */
  outputs: WantedOutput[];
  /** Names of the request's own parameters. */
  parameters: readonly string[];
}

export interface InferAnswer {
  version: string;
  outputs: { name: string; tensor: Tensor }[];
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

/** Elements of BYTES that are counted before others have their turn in this thread. */
const SLICE = 100_000;

/** Number of elements of a raw BYTES tensor; undefined where their lengths do not fill it. */
async function countElements(raw: Uint8Array): Promise<number | undefined> {
  let count = 0;
  for (let at = 0; at < raw.length; ) {
    const slice = bytesElements(raw, at, SLICE);
    if (slice === undefined) return undefined;
    count += slice.count;
    at = slice.end;
    if (at < raw.length) await setImmediate();
  }
  return count;
}

/** Checks a tensor's bytes against its shape. */
async function checkSize(what: string, type: string, dims: number[], raw: Uint8Array): Promise<void> {
  const wanted = elements(dims);
  if (type === "BYTES") {
    const count = await countElements(raw);
    if (count === undefined) throw invalid(`${what}: the lengths of its elements do not fill its ${raw.length} bytes`);
    if (count !== wanted) throw invalid(`${what}: ${wanted} elements are wanted, ${count} were given`);
    return;
  }
  const bytes = wanted * (datatype(type)?.bytes ?? 1);
  if (raw.length !== bytes)
    throw invalid(`${what}: ${bytes} bytes are wanted for shape [${dims}], ${raw.length} were given`);
}

/** Checks the inputs of a request against the model and brings them into the model's order. Throws `invalid-argument`. */
export async function requestTensors(
  inputs: readonly GivenInput[],
  infos: readonly TensorInfo[],
  model: string,
): Promise<Tensor[]> {
  checkNames(inputs, infos, model);
  const tensors: Tensor[] = [];
  for (const info of infos) {
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
    const { data } = input;
    if (data === undefined) throw invalid(`${what}: it carries no data`);
    if ("values" in data && data.values !== elements(dims))
      throw invalid(`${what}: ${elements(dims)} values are wanted, ${data.values} were given`);
    if ("fault" in data) throw invalid(data.fault);
    await checkSize(what, info.type, dims, data.raw);
    tensors.push({ type: info.type, dims, data: data.raw });
  }
  return tensors;
}

/** Raw tensors of a Measure input set, in the model's order; open dimensions count as 1. */
export async function rawSet(raw: readonly Uint8Array[], infos: readonly TensorInfo[]): Promise<Tensor[]> {
  if (raw.length !== infos.length) throw invalid(`the model has ${infos.length} inputs, a set has ${raw.length}`);
  const tensors: Tensor[] = [];
  for (const [i, info] of infos.entries()) {
    const dims = info.shape.map((dim) => (dim === -1 ? 1 : dim));
    const data = raw[i] as Uint8Array;
    await checkSize(`input '${info.name}'`, info.type, dims, data);
    tensors.push({ type: info.type, dims, data });
  }
  return tensors;
}
