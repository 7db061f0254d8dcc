import protobuf from "protobufjs/minimal.js";

/** Joins byte strings. */
export const Bytes = { concat: (parts: readonly Uint8Array[]): Uint8Array => Buffer.concat(parts) };

/** A field of a protobuf message as it stands on the wire. */
export interface Field {
  id: number;
  /** Bytes of a length-delimited field; empty for the others. */
  bytes: Uint8Array;
  /** Value of a varint field, as a number; 0 for the others. */
  value: number;
  /** The whole field, tag included. */
  whole: Uint8Array;
}

/** The fields of a message one after the other; throws a RangeError where it is cut short or damaged. */
export function* eachField(bytes: Uint8Array): Generator<Field> {
  const reader = protobuf.Reader.create(bytes);
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const tag = reader.uint32();
    const wire = tag & 7;
    let content: Uint8Array = new Uint8Array();
    let value = 0;
    if (wire === 2) {
      const length = reader.uint32();
      const from = reader.pos;
      reader.skip(length);
      content = bytes.subarray(from, reader.pos);
    } else if (wire === 0) value = Number(reader.int64());
    // Its fields would be passed over uncounted, groups in groups one call deeper each.
    else if (wire === 3) throw new RangeError("it has a group, which this version of protobuf has not");
    else reader.skipType(wire);
    yield { id: tag >>> 3, bytes: content, value, whole: bytes.subarray(start, reader.pos) };
  }
}

/** The fields of a message in their order; throws a RangeError where it is cut short or damaged. */
export function fields(bytes: Uint8Array): Field[] {
  return [...eachField(bytes)];
}

/** The new bytes of a field, tag included; undefined where it stays as it is. */
export type Edit = (field: Field) => Uint8Array | undefined;

/** A message with some of its fields edited; the others are kept byte for byte. */
export function editMessage(bytes: Uint8Array, edit: Edit): Uint8Array {
  return Bytes.concat(fields(bytes).map((field) => edit(field) ?? field.whole));
}

/** A length-delimited field. */
export function message(id: number, content: Uint8Array): Uint8Array {
  return protobuf.Writer.create()
    .uint32((id << 3) | 2)
    .bytes(content)
    .finish();
}

/** A text field. */
export function text(id: number, value: string): Uint8Array {
  return message(id, Buffer.from(value));
}

/** A varint field. */
export function varint(id: number, value: number): Uint8Array {
  return protobuf.Writer.create()
    .uint32(id << 3)
    .int64(value)
    .finish();
}
