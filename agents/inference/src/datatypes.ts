/** Datatypes of the Open Inference Protocol that are served, with ONNX's names and bytes per element. */
export interface Datatype {
  oip: string;
  onnx: string;
  bytes: number;
}

const datatypes: Datatype[] = [
  { oip: "BOOL", onnx: "bool", bytes: 1 },
  { oip: "UINT8", onnx: "uint8", bytes: 1 },
  { oip: "INT8", onnx: "int8", bytes: 1 },
  { oip: "UINT16", onnx: "uint16", bytes: 2 },
  { oip: "INT16", onnx: "int16", bytes: 2 },
  { oip: "UINT32", onnx: "uint32", bytes: 4 },
  { oip: "INT32", onnx: "int32", bytes: 4 },
  { oip: "UINT64", onnx: "uint64", bytes: 8 },
  { oip: "INT64", onnx: "int64", bytes: 8 },
  { oip: "FP32", onnx: "float32", bytes: 4 },
  { oip: "FP64", onnx: "float64", bytes: 8 },
];

export function fromOnnx(onnx: string): Datatype | undefined {
  return datatypes.find((entry) => entry.onnx === onnx);
}

export function fromOip(oip: string): Datatype | undefined {
  return datatypes.find((entry) => entry.oip === oip);
}

type Typed =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | BigUint64Array
  | BigInt64Array
  | Float32Array
  | Float64Array;

/** A typed view of raw little-endian bytes; copied, because views need aligned memory. */
export function typedArray(onnx: string, raw: Uint8Array): Typed {
  const buffer = raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.byteLength) as ArrayBuffer;
  switch (onnx) {
    case "bool":
    case "uint8":
      return new Uint8Array(buffer);
    case "int8":
      return new Int8Array(buffer);
    case "uint16":
      return new Uint16Array(buffer);
    case "int16":
      return new Int16Array(buffer);
    case "uint32":
      return new Uint32Array(buffer);
    case "int32":
      return new Int32Array(buffer);
    case "uint64":
      return new BigUint64Array(buffer);
    case "int64":
      return new BigInt64Array(buffer);
    case "float32":
      return new Float32Array(buffer);
    default:
      return new Float64Array(buffer);
  }
}

/** Raw bytes of a typed array, without copying. */
export function rawBytes(data: Typed): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
