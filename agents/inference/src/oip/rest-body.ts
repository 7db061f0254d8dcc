import { constants } from "node:buffer";
import { promisify } from "node:util";
import { gunzip, inflate } from "node:zlib";
import { z } from "@mltb/contract";
import { datatype, elements } from "../datatypes.ts";
import { AgentError, invalid } from "../errors.ts";
import { rawToValues } from "./contents.ts";
import { type GivenData, type GivenInput, givenValues, type InferAnswer, type InferRequest } from "./request.ts";

const parameters = z.record(z.string(), z.unknown()).default({});
const requestSchema = z.looseObject({
  id: z.string().optional(),
  parameters,
  inputs: z
    .array(
      z.looseObject({
        name: z.string(),
        shape: z.array(z.int().min(0)),
        datatype: z.string(),
        parameters,
        data: z.unknown().optional(),
      }),
    )
    .default([]),
  outputs: z.array(z.looseObject({ name: z.string(), parameters })).default([]),
});

/** A request of the REST form, with what its answer must look like. */
export interface RestRequest {
  id: string | undefined;
  request: InferRequest;
  /** Which outputs go out as raw bytes behind the JSON: all that `wanted` does not name, or none of them. */
  binary: { others: boolean; wanted: Record<string, boolean> };
}

/** Whether an output goes out as raw bytes. */
export function isBinary({ binary }: RestRequest, output: string): boolean {
  return Object.hasOwn(binary.wanted, output) ? binary.wanted[output] === true : binary.others;
}

/** Unpacks a body; "deflate" is the zlib format. Throws `invalid-argument`, `too-large`. */
export async function unpack(body: Buffer, encoding: string | undefined, limit_bytes: number): Promise<Buffer> {
  if (encoding === undefined || encoding === "" || encoding === "identity") return body;
  if (encoding !== "gzip" && encoding !== "deflate") throw invalid(`Content-Encoding ${encoding} is not supported`);
  try {
    return await promisify(encoding === "gzip" ? gunzip : inflate)(body, { maxOutputLength: limit_bytes });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE")
      throw new AgentError("too-large", `unpacked, the body is larger than ${limit_bytes} bytes`);
    throw invalid(`the body cannot be unpacked as ${encoding}: ${(error as Error).message}`);
  }
}

/** What newer engines add to JSON, and TypeScript's library does not know yet. */
const json = JSON as unknown as {
  rawJSON(text: string): unknown;
  parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): unknown;
};

/** Whole numbers that a double would round come as bigint. */
function exact(_key: string, value: unknown, { source }: { source?: string }): unknown {
  const rounded = typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value);
  return rounded && source !== undefined && /^-?\d+$/.test(source) ? BigInt(source) : value;
}

/** JSON of a body; an empty one is an empty object. Throws `invalid-argument`, `too-large`. */
export function parseJson(body: Uint8Array): unknown {
  if (body.length === 0) return {};
  if (body.length > constants.MAX_STRING_LENGTH)
    throw new AgentError(
      "too-large",
      `${body.length} bytes of JSON are more than the ${constants.MAX_STRING_LENGTH} that can be read; send large tensors as binary data`,
    );
  try {
    const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString();
    // A reviver makes parsing several times slower: only where there may be 64-bit integers beyond 2^53.
    return /INT64/.test(text) && /\d{16}/.test(text) ? json.parse(text, exact) : JSON.parse(text);
  } catch (error) {
    throw invalid(`failed to parse the request JSON: ${(error as Error).message}`);
  }
}

/** Levels of nested data: many times the axes of any tensor. */
const MOST_LEVELS = 64;

/** Nested or flat lists of values in row-major order. */
function flat(data: unknown, name: string): unknown[] {
  if (!Array.isArray(data)) throw invalid(`input '${name}': data must be a list`);
  if (!data.some(Array.isArray)) return data;
  // Each level is a call inside the last one: without an end they would run out of stack.
  const values = data.flat(MOST_LEVELS - 1);
  if (values.some(Array.isArray)) throw invalid(`input '${name}': data is nested more than ${MOST_LEVELS} levels deep`);
  return values;
}

/** Reads an inference request. `headerLength` is the Inference-Header-Content-Length, if it came. */
export function restRequest(
  body: Uint8Array,
  headerLength: string | undefined,
  model: string,
  version: string,
): RestRequest {
  const size = headerLength === undefined ? body.length : Number(headerLength);
  if (headerLength !== undefined && !/^\d+$/.test(headerLength))
    throw invalid(`Inference-Header-Content-Length ${headerLength} is no number`);
  if (size > body.length)
    throw invalid(`Inference-Header-Content-Length is ${size}, the body has ${body.length} bytes`);
  const parsed = requestSchema.safeParse(parseJson(body.subarray(0, size)));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(`${issue?.path.join(".") || "the request"}: ${issue?.message}`);
  }
  const { id, inputs, outputs, parameters: own } = parsed.data;
  let at = size;
  const given = inputs.map((input): GivenInput => {
    const { name, shape, datatype: type } = input;
    const bytes = input.parameters["binary_data_size"];
    let data: GivenData | undefined;
    if (bytes !== undefined) {
      if (!Number.isSafeInteger(bytes) || (bytes as number) < 0)
        throw invalid(`input '${name}': binary_data_size is no size`);
      if (input.data !== undefined) throw invalid(`input '${name}': binary_data_size and data must not be mixed`);
      const end = at + (bytes as number);
      if (end > body.length)
        throw invalid(`input '${name}': ${bytes} bytes are announced, ${body.length - at} are left`);
      data = { raw: body.subarray(at, end) };
      at = end;
    } else if (input.data !== undefined) data = givenValues(flat(input.data, name), type);
    return { name, shape, datatype: type, data, parameters: Object.keys(input.parameters) };
  });
  if (at !== body.length) throw invalid(`${body.length - at} bytes stand behind the last binary input`);
  const wanted = outputs.flatMap(({ name, parameters: { binary_data: binary } }) =>
    typeof binary === "boolean" ? [[name, binary] as const] : [],
  );
  return {
    id,
    binary: { others: own["binary_data_output"] === true, wanted: Object.fromEntries(wanted) },
    request: {
      model,
      version,
      inputs: given,
      outputs: outputs.map((output) => {
        const classes = output.parameters["classification"];
        const names = Object.keys(output.parameters);
        return {
          name: output.name,
          parameters: names,
          ...(classes === undefined ? {} : { classification: Number(classes) }),
        };
      }),
      parameters: Object.keys(own),
    },
  };
}

/** A value as JSON has it: 64-bit integers are the numbers they are, what JSON has no number for is text. */
function jsonValue(value: unknown): unknown {
  if (typeof value === "bigint") return json.rawJSON(value.toString());
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}

/** The answer's JSON and the raw outputs that stand behind it. Throws `invalid-argument`, `too-large`. */
export function restAnswer(rest: RestRequest, answer: InferAnswer): { json: Uint8Array; raw: Uint8Array[] } {
  const raw: Uint8Array[] = [];
  const outputs = answer.outputs.map(({ name, tensor }) => {
    const head = { name, datatype: tensor.type, shape: tensor.dims };
    if (isBinary(rest, name)) {
      raw.push(tensor.data);
      return { ...head, parameters: { binary_data_size: tensor.data.length } };
    }
    const type = datatype(tensor.type);
    if (type === undefined) throw new AgentError("unavailable", `output '${name}' has no datatype of the protocol`);
    return { ...head, data: elements(tensor.dims) === 0 ? [] : rawToValues(tensor.data, type).map(jsonValue) };
  });
  const id = rest.id === undefined || rest.id === "" ? {} : { id: rest.id };
  try {
    const text = JSON.stringify({ model_name: rest.request.model, model_version: answer.version, ...id, outputs });
    return { json: Buffer.from(text), raw };
  } catch (error) {
    // The text would be longer than an engine's texts can be.
    if (error instanceof RangeError)
      throw new AgentError("too-large", "the outputs are too large for JSON; ask for binary data");
    throw error;
  }
}

/** A body that is a JSON object. Throws `invalid-argument`, `too-large`. */
function parseObject(body: Uint8Array): Record<string, unknown> {
  const value = parseJson(body);
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw invalid("the request: a JSON object is wanted");
  return value as Record<string, unknown>;
}

/** What is asked of the index of models. Throws `invalid-argument`, `too-large`. */
export function indexRequest(body: Uint8Array): { readyOnly: boolean } {
  return { readyOnly: parseObject(body)["ready"] === true };
}

/** What a load brings: model files, given as base64, and a configuration. Throws `invalid-argument`, `too-large`. */
export function loadRequest(body: Uint8Array): { files: Map<string, Uint8Array>; config: unknown } {
  const own = parseObject(body)["parameters"] ?? {};
  if (typeof own !== "object" || Array.isArray(own)) throw invalid("parameters: a JSON object is wanted");
  const files = new Map<string, Uint8Array>();
  for (const [name, value] of Object.entries(own)) {
    if (!name.startsWith("file:")) continue;
    if (typeof value !== "string") throw invalid(`${name}: a file comes as base64`);
    files.set(name, Buffer.from(value, "base64"));
  }
  return { files, config: (own as Record<string, unknown>)["config"] };
}
