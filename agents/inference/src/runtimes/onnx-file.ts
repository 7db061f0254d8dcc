import { readFileSync, realpathSync } from "node:fs";
import { dirname, isAbsolute, join, sep } from "node:path";
import { fields } from "../protobuf-wire.ts";
import { type WrappedNames, wrapBfloat16 } from "./bfloat16.ts";

/** Graphs inside graphs, such as the body of a Loop; deeper ones are refused. */
const DEPTH = 64;

/** A model file made ready for a session. */
export interface OnnxFile {
  model: Uint8Array;
  names: WrappedNames;
  /** Files with weights outside the model, by the locations that the model gives. */
  externalData: { path: string; data: Uint8Array }[];
}

/**
 * Reads an ONNX file. Files that it names for its weights must lie in its own folder, real paths compared.
 * Throws where the file is damaged or reaches outside its folder.
 */
export function readOnnx(file: string): OnnxFile {
  const bytes = readFileSync(file);
  const locations = new Set<string>();
  try {
    const graph = fields(bytes).find((field) => field.id === 7);
    if (graph === undefined) throw new RangeError("there is no graph in it");
    for (const part of fields(bytes)) {
      if (part.id === 7) graphLocations(part.bytes, locations, 0);
      // ModelProto.functions: FunctionProto.node is 7.
      if (part.id === 25) nodesLocations(part.bytes, 7, locations, 0);
    }
  } catch (error) {
    if (error instanceof RangeError) throw new Error(`the file is no ONNX model: ${error.message}`);
    throw error;
  }
  const folder = realpathSync(dirname(file));
  const externalData = [...locations].map((path) => ({ path, data: readFileSync(inside(folder, path)) }));
  const { model, names } = wrapBfloat16(bytes);
  return { model, names, externalData };
}

/** The real path of a file with weights. Throws where it lies outside the model's folder. */
function inside(folder: string, location: string): string {
  const refusal = `external data ${location} lies outside the model's folder`;
  if (isAbsolute(location)) throw new Error(refusal);
  let path: string;
  try {
    path = realpathSync(join(folder, location));
  } catch (error) {
    // Whether something exists outside is nobody's business.
    if (!join(folder, location).startsWith(folder + sep)) throw new Error(refusal, { cause: error });
    throw new Error(`external data ${location} cannot be read`, { cause: error });
  }
  if (!path.startsWith(folder + sep)) throw new Error(refusal);
  return path;
}

// Field numbers of onnx.proto: GraphProto.node 1, initializer 5, sparse_initializer 15; NodeProto.attribute 5;
// AttributeProto.t 5, g 6, tensors 10, graphs 11, sparse_tensor 22, sparse_tensors 23; SparseTensorProto.values 1, indices 2;
// TensorProto.external_data 13, data_location 14; StringStringEntryProto.key 1, value 2.

function graphLocations(graph: Uint8Array, into: Set<string>, depth: number): void {
  if (depth > DEPTH) throw new Error(`graphs are nested deeper than ${DEPTH}`);
  for (const field of fields(graph)) {
    if (field.id === 5) tensorLocation(field.bytes, into);
    else if (field.id === 15) sparseLocation(field.bytes, into);
  }
  nodesLocations(graph, 1, into, depth);
}

function nodesLocations(holder: Uint8Array, id: number, into: Set<string>, depth: number): void {
  for (const node of fields(holder)) {
    if (node.id !== id) continue;
    for (const attribute of fields(node.bytes)) {
      if (attribute.id !== 5) continue;
      for (const part of fields(attribute.bytes)) {
        if (part.id === 5 || part.id === 10) tensorLocation(part.bytes, into);
        else if (part.id === 6 || part.id === 11) graphLocations(part.bytes, into, depth + 1);
        else if (part.id === 22 || part.id === 23) sparseLocation(part.bytes, into);
      }
    }
  }
}

function sparseLocation(sparse: Uint8Array, into: Set<string>): void {
  for (const part of fields(sparse)) if (part.id === 1 || part.id === 2) tensorLocation(part.bytes, into);
}

function tensorLocation(tensor: Uint8Array, into: Set<string>): void {
  for (const field of fields(tensor)) {
    if (field.id !== 13) continue;
    const entry = fields(field.bytes);
    const part = (id: number): string => Buffer.from(entry.find((one) => one.id === id)?.bytes ?? []).toString();
    if (part(1) === "location") into.add(part(2));
  }
}
