import { datatype } from "../datatypes.ts";
import { invalid, isAgentError } from "../errors.ts";
import { decodeInferRequest } from "../grpc.ts";
import { eachField, type Field } from "../protobuf-wire.ts";
import { type GivenData, type GivenInput, givenValues, type InferRequest } from "./request.ts";
import type { Work } from "./work.ts";

/** Number of `raw_input_contents` in ModelInferRequest. */
const RAW_FIELD = 7;
/** A message of more fields than any model has tensors is as good as a large one. */
const MOST_FIELDS = 1024;

export type Parameter = Record<string, unknown> & { parameter_choice?: string };

interface WireInput {
  name: string;
  datatype: string;
  shape: string[];
  parameters: Record<string, Parameter>;
  contents: Record<string, unknown[]> | null;
}

/** ModelInferRequest as the loaded contract decodes it. */
interface WireRequest {
  model_name: string;
  model_version: string;
  id: string;
  parameters: Record<string, Parameter>;
  inputs: WireInput[];
  outputs: { name: string; parameters: Record<string, Parameter> }[];
  raw_input_contents: Uint8Array[];
}

/** A request, or why it is none, with the id that its answer repeats. */
export type GrpcRequest = { id: string; request: InferRequest } | { id: string; fault: string };

/** Field of ModelInferRequest with an input, and of that with its typed contents. */
const INPUT_FIELD = 5;
const CONTENTS_FIELD = 5;
/** Bytes of an element of InferTensorContents by field: `fp32_contents`, `fp64_contents`. Others may have one a byte. */
const ELEMENT_BYTES: Record<number, number> = { 6: 4, 7: 8 };

/** What decoding a ModelInferRequest has to do: raw tensors are taken as views and cost nothing. */
export function grpcWork(message: Uint8Array): Work {
  const work = { bytes: 0, elements: 0 };
  let count = 0;
  function* counted(bytes: Uint8Array): Generator<Field> {
    for (const field of eachField(bytes)) {
      count += 1;
      if (count > MOST_FIELDS) throw new RangeError("too many fields");
      yield field;
    }
  }
  try {
    for (const { id, bytes, whole } of counted(message)) {
      const loose = id === RAW_FIELD ? whole.length - bytes.length : whole.length;
      work.bytes += loose;
      if (id !== INPUT_FIELD) work.elements += loose;
      else
        for (const part of counted(bytes)) {
          if (part.id !== CONTENTS_FIELD) work.elements += part.whole.length;
          else
            for (const list of counted(part.bytes)) work.elements += list.whole.length / (ELEMENT_BYTES[list.id] ?? 1);
        }
    }
  } catch {
    // Damaged, which decoding says, or of more parts than it is worth to count here.
    return { bytes: message.length, elements: message.length };
  }
  return work;
}

/** Decodes a ModelInferRequest; typed contents become raw bytes. */
export function grpcRequest(message: Uint8Array): GrpcRequest {
  let id = "";
  try {
    const wire = decode(message);
    id = wire.id;
    return { id, request: requestOf(wire) };
  } catch (error) {
    if (isAgentError(error)) return { id, fault: error.message };
    throw error;
  }
}

function decode(message: Uint8Array): WireRequest {
  try {
    return decodeInferRequest<WireRequest>(message);
  } catch (error) {
    throw invalid(`the message is no ModelInferRequest: ${(error as Error).message}`);
  }
}

function requestOf(wire: WireRequest): InferRequest {
  return {
    model: wire.model_name,
    version: wire.model_version,
    inputs: inputsOf(wire),
    outputs: wire.outputs.map(({ name, parameters }) => {
      const classes = parameterValue(parameters["classification"]);
      return {
        name,
        ...(classes === undefined ? {} : { classification: Number(classes) }),
        parameters: Object.keys(parameters),
      };
    }),
    parameters: Object.keys(wire.parameters),
  };
}

export function parameterValue(parameter: Parameter | undefined): unknown {
  return parameter?.parameter_choice === undefined ? undefined : parameter[parameter.parameter_choice];
}

/** Typed contents of an input; undefined where there are none. */
function values(input: WireInput): unknown[] | undefined {
  const lists = Object.entries(input.contents ?? {}).filter(([, list]) => Array.isArray(list) && list.length > 0);
  const [first] = lists;
  if (first === undefined) return undefined;
  const wanted = datatype(input.datatype)?.contents;
  if (lists.length > 1 || first[0] !== wanted) {
    const given = lists.map(([name]) => name).join(", ");
    throw invalid(
      `input '${input.name}': values of ${input.datatype} go into ${wanted ?? "raw_input_contents"}, not ${given}`,
    );
  }
  return first[1];
}

function inputsOf(request: WireRequest): GivenInput[] {
  const { inputs, raw_input_contents: raw } = request;
  const typed = inputs.map(values);
  if (raw.length > 0 && typed.some((list) => list !== undefined))
    throw invalid("raw_input_contents and typed contents must not be mixed");
  if (raw.length > 0 && raw.length !== inputs.length)
    throw invalid(`${raw.length} raw_input_contents for ${inputs.length} inputs`);
  return inputs.map((input, i) => ({
    name: input.name,
    datatype: input.datatype,
    shape: input.shape.map(Number),
    data: given(raw[i], typed[i], input),
    parameters: Object.keys(input.parameters),
  }));
}

function given(raw: Uint8Array | undefined, typed: unknown[] | undefined, input: WireInput): GivenData | undefined {
  if (raw !== undefined) return { raw };
  if (typed !== undefined) return givenValues(typed, input.datatype);
  // A tensor without elements has no contents to show.
  return input.shape.includes("0") ? { raw: new Uint8Array() } : undefined;
}
