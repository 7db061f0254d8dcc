import protobuf from "protobufjs";

/**
 * The part of ONNX's protobuf that the bench reads and writes. Field numbers are those of the ONNX IR specification
 * (onnx.proto); unknown fields of a file are skipped by the decoder.
 */
const definition = `
syntax = "proto3";
message AttributeProto { string name = 1; float f = 2; int64 i = 3; bytes s = 4; TensorProto t = 5; GraphProto g = 6; repeated float floats = 7; repeated int64 ints = 8; repeated bytes strings = 9; repeated TensorProto tensors = 10; repeated GraphProto graphs = 11; string doc_string = 13; TypeProto tp = 14; int32 type = 20; string ref_attr_name = 21; }
message ValueInfoProto { string name = 1; TypeProto type = 2; string doc_string = 3; }
message NodeProto { repeated string input = 1; repeated string output = 2; string name = 3; string op_type = 4; repeated AttributeProto attribute = 5; string doc_string = 6; string domain = 7; string overload = 8; }
message ModelProto { int64 ir_version = 1; string producer_name = 2; string producer_version = 3; string domain = 4; int64 model_version = 5; string doc_string = 6; GraphProto graph = 7; repeated OperatorSetIdProto opset_import = 8; repeated StringStringEntryProto metadata_props = 14; repeated FunctionProto functions = 25; }
message StringStringEntryProto { string key = 1; string value = 2; }
message FunctionProto { string name = 1; repeated string input = 4; repeated string output = 5; repeated string attribute = 6; repeated NodeProto node = 7; string doc_string = 8; repeated OperatorSetIdProto opset_import = 9; string domain = 10; repeated AttributeProto attribute_proto = 11; repeated ValueInfoProto value_info = 12; string overload = 13; }
message GraphProto { repeated NodeProto node = 1; string name = 2; repeated TensorProto initializer = 5; string doc_string = 10; repeated ValueInfoProto input = 11; repeated ValueInfoProto output = 12; repeated ValueInfoProto value_info = 13; }
message TensorProto { repeated int64 dims = 1; int32 data_type = 2; repeated float float_data = 4; repeated int32 int32_data = 5; repeated bytes string_data = 6; repeated int64 int64_data = 7; string name = 8; bytes raw_data = 9; repeated double double_data = 10; repeated uint64 uint64_data = 11; string doc_string = 12; repeated StringStringEntryProto external_data = 13; int32 data_location = 14; }
message TensorShapeProto { message Dimension { oneof value { int64 dim_value = 1; string dim_param = 2; } string denotation = 3; } repeated Dimension dim = 1; }
message TypeProto { message Tensor { int32 elem_type = 1; TensorShapeProto shape = 2; } message Sequence { TypeProto elem_type = 1; } message Map { int32 key_type = 1; TypeProto value_type = 2; } message Optional { TypeProto elem_type = 1; } oneof value { Tensor tensor_type = 1; Sequence sequence_type = 4; Map map_type = 5; Optional optional_type = 9; } string denotation = 6; }
message OperatorSetIdProto { string domain = 1; int64 version = 2; }
`;

const model = protobuf.parse(definition, { keepCase: true }).root.lookupType("ModelProto");

/** Element types of TensorProto that occur here. */
export const Elem = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7 } as const;
/** Kinds of AttributeProto. */
export const Attr = { float: 1, int: 2, string: 3, tensor: 4, graph: 5, floats: 6, ints: 7 } as const;

export interface Attribute {
  name: string;
  type: number;
  f?: number;
  i?: number;
  s?: Uint8Array;
  t?: TensorProto;
  g?: Graph;
  graphs?: Graph[];
  floats?: number[];
  ints?: number[];
}

export interface TensorProto {
  name: string;
  dims: number[];
  data_type: number;
  raw_data?: Uint8Array;
  float_data?: number[];
  int32_data?: number[];
  int64_data?: number[];
  /** Where weights outside the file lie; with `data_location` 1. */
  external_data?: { key: string; value: string }[];
  data_location?: number;
}

export interface Node {
  name: string;
  op_type: string;
  domain?: string;
  input: string[];
  output: string[];
  attribute: Attribute[];
}

export interface ValueInfo {
  name: string;
  type: { tensor_type: { elem_type: number; shape?: { dim: { dim_value?: number; dim_param?: string }[] } } };
}

export interface Graph {
  name: string;
  node: Node[];
  initializer: TensorProto[];
  input: ValueInfo[];
  output: ValueInfo[];
}

export interface Model {
  ir_version: number;
  producer_name: string;
  producer_version: string;
  graph: Graph;
  opset_import: { domain: string; version: number }[];
}

/** Bytes of a model; equal models give equal bytes. */
export function encodeModel(value: Model): Uint8Array {
  return model.encode(model.fromObject(value)).finish();
}

/** A model from its bytes; throws on bytes that are no ONNX model. */
export function decodeModel(bytes: Uint8Array): Model {
  let decoded: Model;
  try {
    decoded = model.toObject(model.decode(bytes), { longs: Number, arrays: true }) as Model;
  } catch (error) {
    throw new Error(`the file is not an ONNX model, or is cut short: ${(error as Error).message}`);
  }
  if (decoded.graph === undefined) throw new Error("the file is not an ONNX model: it has no graph");
  return decoded;
}
