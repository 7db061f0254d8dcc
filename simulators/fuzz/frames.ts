import {
  allMessages,
  type Body,
  bodyCheck,
  type Descriptor,
  encodeBody,
  encodeFrame,
  Kind,
  MAJOR,
  messageNamed,
  nodeSeal,
  PowerAction,
  STREAM_BODY_BYTES,
} from "@mltb/protocol";
import type { Random } from "../src/world/random.ts";

/** Frames of stream length among the others: as many bytes as a quarter of all. */
const LONG_SHARE = 0.02;
/** A text's length is one byte. */
const TEXT_BYTES = 255;

const pick = (source: Random, below: number): number => Math.floor(source.uniform() * below);

function bytes(source: Random, length: number): string {
  return String.fromCharCode(...Array.from({ length }, () => (source.uniform() < 0.3 ? 0 : pick(source, 256))));
}

function field(source: Random, kind: string, longest: number): number | string {
  if (kind === "text" || kind === "rest") return bytes(source, pick(source, longest + 1));
  const bits = Number(kind.slice(1));
  const value = source.uniform() < 0.2 ? 0 : Math.floor(source.uniform() * 2 ** bits);
  return kind.startsWith("i") ? value - 2 ** (bits - 1) : value;
}

/** Random fields of a message by their kinds; texts and rests have at most `longest` bytes each, texts never above 255. */
export function randomBody(source: Random, message: Descriptor, longest: number): Body {
  const body: Body = {};
  for (const [i, name] of message.names.entries()) {
    const kind = message.kinds[i] as string;
    body[name] = field(source, kind, kind === "text" ? Math.min(longest, TEXT_BYTES) : longest);
  }
  return body;
}

const actions = Object.values(PowerAction);

/** Requests that would switch something if they came through: what damage must never turn into the truth. */
function dangerous(source: Random): { name: string; body: Body } {
  const channel = 1 + pick(source, 8);
  if (source.uniform() < 0.7) {
    const action = actions[pick(source, actions.length)] as number;
    // Short, so that a cycle would switch while somebody looks.
    const off_ms = pick(source, 20);
    return { name: "power_set", body: { channel, action, off_ms, check: bodyCheck(channel, action, off_ms) } };
  }
  const pulse_ms = 1 + pick(source, 10_000);
  return { name: "reset_pulse", body: { channel, pulse_ms, check: bodyCheck(channel, 0, pulse_ms) } };
}

/** A block of samples of any length up to the longest, whose bytes need many COBS runs or few. */
function longFrame(source: Random): string {
  const length = pick(source, STREAM_BODY_BYTES + 1);
  const zeros = source.uniform() < 0.5;
  const body = zeros
    ? bytes(source, length)
    : String.fromCharCode(...Array.from({ length }, () => 1 + pick(source, 255)));
  const id = messageNamed("sample_block")?.id as number;
  return encodeFrame({ kind: Kind.stream, seq: 0, ack: 0, credit: 4, id, tag: 0, body }, nodeSeal).slice(0, -1);
}

/**
 * A valid frame, without its delimiter. Half of them are the most dangerous that there are: power and reset requests with a
 * right check, in the sequence that the board expects.
 */
export function validFrame(source: Random, seq: number): string {
  if (source.uniform() < LONG_SHARE) return longFrame(source);
  const messages = allMessages();
  const chosen =
    source.uniform() < 0.5
      ? dangerous(source)
      : (() => {
          const message = messages[pick(source, messages.length)] as (typeof messages)[0];
          return { name: message.name, body: randomBody(source, message, 39) };
        })();
  const message = messages.find((one) => one.name === chosen.name) as (typeof messages)[0];
  const kinds: Record<string, number> = Kind;
  const frame = {
    kind: kinds[message.kind] as number,
    seq,
    ack: 0,
    credit: 4,
    id: message.id,
    tag: 1 + pick(source, 255),
    body: encodeBody(message, chosen.body),
  };
  return encodeFrame(frame, nodeSeal).slice(0, -1);
}

/** A block with a right sum that may break any other rule of a frame: version, kind, length told, length for its kind. */
export function foreignBlock(source: Random): string {
  const odd = (right: number, below: number): number => (source.uniform() < 0.3 ? pick(source, below) : right);
  const body = bytes(source, source.uniform() < 0.3 ? 236 + pick(source, 16) : pick(source, 60));
  const told = body.length + (source.uniform() < 0.4 ? pick(source, 5) - 2 : 0);
  const first = odd(MAJOR, 16) * 16 + odd(pick(source, Object.keys(Kind).length), 16);
  const rest = Array.from({ length: 5 }, () => pick(source, 256));
  return nodeSeal.seal(String.fromCharCode(first, ...rest, told & 255, (told >> 8) & 255), body).slice(0, -1);
}
