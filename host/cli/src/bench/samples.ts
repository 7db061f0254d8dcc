import {
  decode as decodeMessage,
  deframer,
  encode,
  encodedLimitStream,
  encodeFrame,
  Kind,
  type Message,
  messageNamed,
  nodeSeal,
} from "@mltb/protocol";
import { ReadlineParser, SlipDecoder, SlipEncoder } from "serialport";
import { type Benchmark, type Figure, perCpuSecond, spread } from "./figure.ts";

const ROWS = 100;
const CHANNELS = 8;
const BLOCKS = 400;
const RUNS = 7;
/** A port hands over pieces of this size. */
const PIECE_BYTES = 16_384;

/** Rows as a converter gives them: slow waves with noise, a different one for each channel. */
function rows(first: number): Int16Array {
  const values = new Int16Array(ROWS * CHANNELS);
  for (let i = 0; i < values.length; i += 1) {
    const row = first + Math.floor(i / CHANNELS);
    values[i] = 8000 + 3000 * Math.sin(row / 40 + (i % CHANNELS)) + ((Math.imul(row * 8 + i, 2654435761) >>> 24) & 63);
  }
  return values;
}

function cut(wire: Buffer): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < wire.length; at += PIECE_BYTES) pieces.push(wire.subarray(at, at + PIECE_BYTES));
  return pieces;
}

interface Way {
  name: string;
  wire: Buffer;
  /**
   * Decodes all pieces; gives the samples found and their sum, so that nothing is left undone. Each way sums a block in a
   * local variable: one that a callback shares would cost more than the decoding.
   */
  decode(pieces: Buffer[]): { samples: number; sum: number };
}

/** This project's wire: COBS, CRC-16, block with its index; the sequence of blocks is checked. */
function ours(blocks: Int16Array[]): Way {
  const id = messageNamed("sample_block")?.id ?? 0;
  const wire = Buffer.concat(
    blocks.map((values, n) => {
      const data = Buffer.from(values.buffer).toString("latin1");
      const head = { stream: 1, channels: CHANNELS, rows: ROWS, period_us: 50, tick_us: n * 5000, lost: 0 };
      const body = encode("sample_block", { ...head, first: n * ROWS, data });
      return Buffer.from(
        encodeFrame({ kind: Kind.stream, seq: 0, ack: 0, credit: 4, id, tag: 0, body }, nodeSeal),
        "latin1",
      );
    }),
  );
  return {
    name: "this wire: COBS, CRC-16, index",
    wire,
    decode(pieces) {
      let samples = 0;
      let sum = 0;
      let next = 0;
      const reader = deframer(encodedLimitStream, nodeSeal, (frame) => {
        const block = decodeMessage("sample_block", frame.body) as Message<"sample_block">;
        if (block.first !== next) throw new Error("a gap where there is none");
        next += block.rows;
        const bytes = Buffer.from(block.data, "latin1");
        const values = new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
        let part = 0;
        for (let i = 0; i < values.length; i += 1) part += values[i] as number;
        sum += part;
        samples += values.length;
      });
      for (const piece of pieces) reader.rx(piece.toString("latin1"));
      return { samples, sum };
    },
  };
}

/** Text lines of numbers, one a row, through the serialport project's parser: no checksum, no index. */
function lines(blocks: Int16Array[]): Way {
  const text = blocks
    .flatMap((values) =>
      Array.from({ length: ROWS }, (_, row) => values.subarray(row * CHANNELS, (row + 1) * CHANNELS).join(",")),
    )
    .join("\n");
  return {
    name: "text lines, parser-readline: no checksum",
    wire: Buffer.from(`${text}\n`),
    decode(pieces) {
      let samples = 0;
      let sum = 0;
      const parser = new ReadlineParser({ delimiter: "\n" });
      parser.on("data", (line: string) => {
        const values = line.split(",");
        let part = 0;
        for (const value of values) part += Number(value);
        sum += part;
        samples += values.length;
      });
      for (const piece of pieces) parser.write(piece);
      return { samples, sum };
    },
  };
}

/** The same blocks in SLIP (RFC 1055) through the serialport project's parser: no checksum, no index. */
function slip(blocks: Int16Array[]): Way {
  const encoder = new SlipEncoder();
  const parts: Buffer[] = [];
  encoder.on("data", (part: Buffer) => parts.push(part));
  for (const values of blocks) encoder.write(Buffer.from(values.buffer));
  return {
    name: "SLIP, parser-slip-encoder: no checksum",
    wire: Buffer.concat(parts),
    decode(pieces) {
      let samples = 0;
      let sum = 0;
      const parser = new SlipDecoder();
      parser.on("data", (bytes: Buffer) => {
        let part = 0;
        for (let at = 0; at + 1 < bytes.length; at += 2) part += bytes.readInt16LE(at);
        sum += part;
        samples += bytes.length >> 1;
      });
      for (const piece of pieces) parser.write(piece);
      return { samples, sum };
    },
  };
}

/** Samples per second from bytes of a port to numbers, each way in turn in the same run. */
export const samples: Benchmark = {
  name: "samples",
  about: "samples/s from the port's bytes to numbers, by processor time, beside text lines and SLIP",
  async run() {
    const blocks = Array.from({ length: BLOCKS }, (_, n) => rows(n * ROWS));
    const truth = blocks.reduce((all, values) => all + values.reduce((sum, value) => sum + value, 0), 0);
    const total = BLOCKS * ROWS * CHANNELS;
    const ways = [ours(blocks), lines(blocks), slip(blocks)].map((way) => ({
      way,
      pieces: cut(way.wire),
      rates: [] as number[],
    }));
    for (let run = 0; run <= RUNS; run += 1) {
      for (const { way, pieces, rates } of ways) {
        const rate = perCpuSecond(total, () => {
          const found = way.decode(pieces);
          if (found.samples !== total || found.sum !== truth) throw new Error(`${way.name} decoded something else`);
        });
        // The first run warms the compiler up.
        if (run > 0) rates.push(rate);
      }
    }
    return ways.map(({ way, rates }): Figure => {
      const efficiency = ((100 * 2 * total) / way.wire.length).toFixed(1);
      return {
        benchmark: "samples",
        quantity: `decode, ${way.name}`,
        ...spread(rates),
        unit: "samples/s",
        count: `${efficiency} % of the bytes on the wire are samples`,
      };
    });
  },
};
