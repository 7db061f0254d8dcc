import { datatype } from "../datatypes.ts";
import { invalid, isAgentError } from "../errors.ts";
import { decodeInferRequest } from "../grpc.ts";
import { eachField } from "../protobuf-wire.ts";
import { type GivenData, type GivenInput, givenValues, type InferRequest } from "./request.ts";

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

/** Bytes of a ModelInferRequest that decoding has to work on: raw tensors are taken as views and cost nothing. */
export function looseBytes(message: Uint8Array): number {
  let raw = 0;
  let count = 0;
  try {
    for (const { id, bytes } of eachField(message)) {
      count += 1;
      if (count > MOST_FIELDS) return message.length;
      if (id === RAW_FIELD) raw += bytes.length;
    }
  } catch {
    // Damaged: decoding it says so.
    return message.length;
  }
  return message.length - raw;
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
