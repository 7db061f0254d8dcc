import { type Datatype, joinBytes, splitBytes } from "../datatypes.ts";
import { invalid } from "../errors.ts";

/** A value for a message; the parts of one that has some are not written out, however deep they go. */
function shown(value: unknown): string {
  return typeof value === "object" && value !== null ? "an object" : String(value);
}

type Write = (view: DataView, at: number, value: unknown) => void;

/** A whole number of a type, or an error: values are never wrapped round silently. */
function whole(value: unknown, low: bigint, high: bigint, oip: string): bigint {
  const fits =
    typeof value === "number" ? Number.isInteger(value) : typeof value === "string" || typeof value === "bigint";
  let number: bigint | undefined;
  try {
    if (fits) number = BigInt(value as number | string | bigint);
  } catch {
    // Text that is no number: refused below.
  }
  if (number === undefined || number < low || number > high) throw invalid(`${shown(value)} is no ${oip}`);
  return number;
}

function writer(oip: string): Write {
  const integer = /^(U?)INT(8|16|32|64)$/.exec(oip);
  if (integer !== null) {
    const bits = Number(integer[2]);
    const signed = integer[1] === "";
    const low = signed ? -(1n << BigInt(bits - 1)) : 0n;
    const high = signed ? (1n << BigInt(bits - 1)) - 1n : (1n << BigInt(bits)) - 1n;
    return (view, at, value) => {
      const number = whole(value, low, high, oip);
      if (bits === 8) view.setUint8(at, Number(number & 0xffn));
      else if (bits === 16) view.setUint16(at, Number(number & 0xffffn), true);
      else if (bits === 32) view.setUint32(at, Number(number & 0xffffffffn), true);
      else view.setBigInt64(at, number, true);
    };
  }
  if (oip === "BOOL") {
    return (view, at, value) => {
      if (typeof value !== "boolean" && value !== 0 && value !== 1) throw invalid(`${shown(value)} is no BOOL`);
      view.setUint8(at, Number(value));
    };
  }
  return (view, at, value) => {
    // Text such as "NaN" and "Infinity" is how JSON and protobuf's JSON write what has no number.
    const number =
      typeof value === "number" ? value : typeof value === "string" && value !== "" ? Number(value) : Number.NaN;
    if (Number.isNaN(number) && value !== "NaN" && typeof value !== "number")
      throw invalid(`${shown(value)} is no ${oip}`);
    if (oip === "FP32") view.setFloat32(at, number, true);
    else view.setFloat64(at, number, true);
  };
}

/** Values as raw bytes. Text elements of BYTES are UTF-8. Throws `invalid-argument` for a value that the type cannot hold. */
export function valuesToRaw(values: readonly unknown[], type: Datatype): Uint8Array {
  if (type.contents === null) throw invalid(`datatype ${type.oip} travels as raw bytes only, not as numbers`);
  if (type.oip === "BYTES") {
    return joinBytes(
      values.map((value) => {
        if (value instanceof Uint8Array) return value;
        if (typeof value === "string") return Buffer.from(value, "utf8");
        throw invalid(`${shown(value)} is no text`);
      }),
    );
  }
  const write = writer(type.oip);
  const view = new DataView(new ArrayBuffer(values.length * type.bytes));
  for (const [i, value] of values.entries()) write(view, i * type.bytes, value);
  return new Uint8Array(view.buffer);
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Raw bytes as values for JSON. Throws `invalid-argument` where JSON has no form for them. */
export function rawToValues(raw: Uint8Array, type: Datatype): unknown[] {
  if (type.contents === null) throw invalid(`datatype ${type.oip} cannot be sent as JSON; ask for binary data`);
  if (type.oip === "BYTES") {
    return (splitBytes(raw) ?? []).map((part) => {
      try {
        return strict.decode(part);
      } catch {
        throw invalid("an element of a BYTES tensor is not UTF-8 and cannot be sent as JSON; ask for binary data");
      }
    });
  }
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const read = reader(view, type.oip);
  return Array.from({ length: raw.byteLength / type.bytes }, (_, i) => read(i * type.bytes));
}

function reader(view: DataView, oip: string): (at: number) => unknown {
  switch (oip) {
    case "BOOL":
      return (at) => view.getUint8(at) !== 0;
    case "UINT8":
      return (at) => view.getUint8(at);
    case "INT8":
      return (at) => view.getInt8(at);
    case "UINT16":
      return (at) => view.getUint16(at, true);
    case "INT16":
      return (at) => view.getInt16(at, true);
    case "UINT32":
      return (at) => view.getUint32(at, true);
    case "INT32":
      return (at) => view.getInt32(at, true);
    case "UINT64":
      return (at) => view.getBigUint64(at, true);
    case "INT64":
      return (at) => view.getBigInt64(at, true);
    case "FP32":
      return (at) => view.getFloat32(at, true);
    default:
      return (at) => view.getFloat64(at, true);
  }
}
