import { type Body, codec, crc16, createSeal, type Frame, useRuntimeCodec } from "@mltb/protocol/codec";
import { fieldsOf } from "#platform";

/** What this bundle needs of its runtime. */
interface CodecHal {
  link_write(this: void, bytes: string): void;
  /** A decoded field of the last message. */
  field(this: void, name: string, value: number | string): void;
  crc16?(this: void, bytes: string, init: number): number;
  body_pack?(this: void, line: string, body: Body): string;
  body_unpack?(this: void, line: string, bytes: string): Body | undefined;
}

/**
 * The wire codec alone, for parity tests and benchmarks of a Lua runtime: each received frame is decoded, its fields are
 * reported, and it is encoded anew and sent back. A frame with a fault is answered by the fault's name.
 */
export function boot(hal: CodecHal) {
  useRuntimeCodec(hal.body_pack, hal.body_unpack);
  const seal = createSeal(hal.crc16 ?? crc16);
  /** The last good frame as it came, and its parts. */
  let block = "";
  let last: Frame | undefined;
  let fields: Body | undefined;
  return {
    rx(this: void, bytes: string): void {
      const frame = codec.decodeFrame(bytes, seal);
      if (typeof frame === "string") {
        hal.link_write(frame);
        return;
      }
      const message = codec.messageById(frame.id);
      const body: Body | undefined = message === undefined ? undefined : codec.decodeBody(message, frame.body);
      if (message === undefined || body === undefined) {
        hal.link_write("body");
        return;
      }
      const names: string[] = [];
      fieldsOf(message.line, names, []);
      for (const name of names) hal.field(name, body[name] as number | string);
      frame.body = codec.encodeBody(message, body);
      hal.link_write(codec.encodeFrame(frame, seal));
      block = bytes;
      last = frame;
      fields = body;
    },
    /** For benchmarks: decodes the last frame `times` times or, where that is negative, encodes it. */
    tick(this: void, times: number): number {
      const message = last === undefined ? undefined : codec.messageById(last.id);
      if (last === undefined || fields === undefined || message === undefined) return 100;
      for (let n = 0; n < times; n += 1) {
        const frame = codec.decodeFrame(block, seal);
        if (typeof frame !== "string") codec.decodeBody(message, frame.body);
      }
      for (let n = 0; n < -times; n += 1) {
        last.body = codec.encodeBody(message, fields);
        codec.encodeFrame(last, seal);
      }
      return 100;
    },
  };
}
