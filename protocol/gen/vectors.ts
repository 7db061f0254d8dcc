// node protocol/gen/vectors.ts: writes protocol/vectors/frames.json from the message table.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { allMessages, type Body, type Descriptor, encodeBody, encodeFrame, Kind, nodeSeal } from "../src/index.ts";

/** A golden frame. Text and bytes are hexadecimal. */
interface Vector {
  message: string;
  seq: number;
  ack: number;
  credit: number;
  tag: number;
  body: Record<string, number | string>;
  wire: string;
}

const edges: Record<string, number[]> = {
  u8: [0, 255],
  u16: [0, 65535],
  u32: [0, 4294967295],
  i16: [-32768, 32767],
  i32: [-2147483648, 2147483647],
};

/** Seeded source of a vector's values: xorshift32, as reproducible as the file. */
function source(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

function value(kind: string, variant: number, next: (below: number) => number): number | string {
  const limits = edges[kind];
  if (limits !== undefined) {
    const [low = 0, high = 0] = limits;
    return variant === 0 ? low : variant === 1 ? high : low + next(high - low + 1);
  }
  if (variant === 0) return "";
  const length = variant === 1 ? 12 : next(40);
  // Every third byte of variant 1 is zero: the hard case for COBS. Text is ASCII.
  const byte = (i: number): number => (kind === "text" ? 32 + next(95) : i % 3 === 0 && variant === 1 ? 0 : next(256));
  return String.fromCharCode(...Array.from({ length }, (_, i) => byte(i)));
}

function vector(message: Descriptor, variant: number): Vector {
  const next = source(message.id * 16 + variant + 1);
  const body: Body = {};
  for (const [i, name] of message.names.entries()) body[name] = value(message.kinds[i] as string, variant, next);
  const head = { seq: next(256), ack: next(256), credit: next(256), tag: next(256) };
  const kind = Kind[message.kind as keyof typeof Kind];
  const wire = encodeFrame({ kind, id: message.id, ...head, body: encodeBody(message, body) }, nodeSeal);
  const shown = Object.entries(body).map(([name, field]) => [
    name,
    typeof field === "number" ? field : Buffer.from(field, "latin1").toString("hex"),
  ]);
  return {
    message: message.name,
    ...head,
    body: Object.fromEntries(shown) as Vector["body"],
    wire: Buffer.from(wire, "latin1").toString("hex"),
  };
}

/** The text of protocol/vectors/frames.json: smallest, largest and mixed values of every message. */
export function vectorFile(): string {
  const vectors = allMessages().flatMap((message) => [0, 1, 2, 3].map((variant) => vector(message, variant)));
  return `[\n${vectors.map((entry) => `  ${JSON.stringify(entry)}`).join(",\n")}\n]\n`;
}

if (import.meta.main) {
  writeFileSync(fileURLToPath(new URL("../vectors/frames.json", import.meta.url)), vectorFile());
}
