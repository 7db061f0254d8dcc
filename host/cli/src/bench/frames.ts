import {
  CONTROL_BODY_BYTES,
  deframer,
  encodedLimitStream,
  encodeFrame,
  type Frame,
  Kind,
  nodeSeal,
} from "@mltb/protocol";
import { type Benchmark, type Figure, perCpuSecond, spread } from "./figure.ts";

/** Times that the set of 64 frames goes through between two looks at the clock. */
const ROUNDS = 20;
const RUNS = 7;

function frame(body: string): Frame {
  const kind = body.length > CONTROL_BODY_BYTES ? Kind.stream : Kind.event;
  return { kind, seq: 1, ack: 2, credit: 4, id: 0x2c, tag: 0, body };
}

/** Bodies of that size with a spread of byte values, zeros among them as often as in random data. */
function bodies(bytes: number): string[] {
  let state = 12345;
  return Array.from({ length: 64 }, () => {
    let body = "";
    for (let i = 0; i < bytes; i += 1) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      body += String.fromCharCode(state >>> 24);
    }
    return body;
  });
}

function measure(bytes: number): Figure[] {
  const set = bodies(bytes).map(frame);
  const wire = set.map((entry) => encodeFrame(entry, nodeSeal)).join("");
  const encode: number[] = [];
  const decode: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    encode.push(
      perCpuSecond(ROUNDS * set.length, () => {
        let written = 0;
        for (let i = 0; i < ROUNDS * set.length; i += 1) written += encodeFrame(set[i % 64] as Frame, nodeSeal).length;
        if (written !== ROUNDS * wire.length) throw new Error("the codec encoded something else");
      }),
    );
    decode.push(
      perCpuSecond(ROUNDS * set.length, () => {
        let seen = 0;
        const reader = deframer(encodedLimitStream, nodeSeal, () => {
          seen += 1;
        });
        for (let i = 0; i < ROUNDS; i += 1) reader.rx(wire);
        if (seen !== ROUNDS * set.length) throw new Error("the codec decoded something else");
      }),
    );
  }
  const count = `${(wire.length / 64).toFixed(1)} bytes on the wire for ${bytes} of body`;
  return [
    { benchmark: "frames", quantity: `encode, ${bytes} B body`, ...spread(encode), unit: "frames/s", count },
    { benchmark: "frames", quantity: `decode, ${bytes} B body`, ...spread(decode), unit: "frames/s", count },
  ];
}

/** Frames per second of the host's codec in Node: COBS, CRC-16, header. */
export const frames: Benchmark = {
  name: "frames",
  about: "frames/s through the codec, by processor time",
  async run() {
    measure(16);
    return [...measure(16), ...measure(64), ...measure(1600)];
  },
};
