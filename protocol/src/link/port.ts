import { decodeBody, encodeBody } from "#codec";
import { messageById, messageNamed } from "#messages";
import { type Deframer, deframer } from "../frame/deframer.ts";
import type { Frame } from "../frame/frame.ts";
import { frameHeader, Kind } from "../frame/frame.ts";
import type { Seal } from "../frame/seal.ts";
import type { Body } from "../schema/codec.ts";
import type { Descriptor } from "../schema/message.ts";
import { type LinkCounters, linkCounters } from "./counters.ts";
import {
  acknowledged,
  ackSent,
  arrived,
  type Delivery,
  delivery,
  dueFrame,
  dueIn,
  enqueue,
  frameSent,
  gapHeard,
  granted,
} from "./delivery.ts";

/** What carries the bytes: a UART ring, a USB endpoint, a serial port, a pipe in memory. */
export interface Carrier {
  /** Sends bytes. Called only with whole frames. */
  write(this: void, bytes: string): void;
  /**
   * Seals and sends a frame whose body is `body` followed by `bulk`, where the runtime does that without making a string
   * of it. Bytes on the wire.
   */
  writeFrame?(this: void, header: string, body: string, bulk?: string): number;
  /** Bytes that can be taken without blocking; streams and states wait or drop below their size. */
  room(this: void): number;
}

/** A state frame that waits for room; `key` tells which newer one replaces it. */
interface PendingState {
  key: string;
  id: number;
  body: string;
}

/** Called for every message of an open or opening session that passed all checks of the wire. */
export type OnMessage = (this: void, descriptor: Descriptor, body: Body, frame: Frame) => void;

/**
 * The half of a session that both ends share: frames in and out, reliable delivery, states and streams. It knows
 * neither roles nor requests; `board-session.ts` and `host-session.ts` build on it.
 */
export interface Port {
  counters: LinkCounters;
  deframer: Deframer;
  delivery: Delivery;
  /** Messages of reliable kinds are taken only while this is set. */
  open: boolean;
  lastHeard_ms: number;
  /** The other end's message table, where it differs and is known. */
  foreign?: Descriptor[] | undefined;
  /** Told of frames that came while no session was open. */
  onOutside?: (this: void, now_ms: number) => void;
  rx(this: void, chunk: string, now_ms: number): void;
  /** Sends a control message at once. */
  control(this: void, name: string, body: Body, tag: number): void;
  /** Queues a request, response or event. */
  reliable(this: void, name: string, body: Body, tag: number): void;
  /** The same for a body that is encoded already. */
  reliableBytes(this: void, kind: number, id: number, tag: number, body: string): void;
  /** Sends a state, or keeps it until there is room; a newer one with the same key replaces it. */
  state(this: void, name: string, key: string, body: Body): void;
  /**
   * Sends a stream frame, or drops and counts it. `bulk` is what follows the fields of `body`: `bulkBytes` bytes that
   * nobody but the carrier looks at.
   */
  stream(this: void, name: string, body: Body, bulk: string | undefined, bulkBytes: number): boolean;
  /** Sends what is due. Returns `lost` when the other end acknowledges nothing any more. */
  pump(this: void, now_ms: number): "ok" | "lost";
  /** Milliseconds until `pump` has work, at most `limit`. */
  dueIn(this: void, now_ms: number, limit: number): number;
  /** Forgets all sequence numbers and everything queued. */
  reset(this: void): void;
}

/**
 * @param cap longest encoded block taken from the other end
 * @param credit reliable frames that this end can take now, sent in every header
 */
export function createPort(
  carrier: Carrier,
  seal: Seal,
  cap: number,
  credit: (this: void) => number,
  onMessage: OnMessage,
): Port {
  const counters = linkCounters();
  let pending: PendingState[] = [];
  let now = 0;

  function write(kind: number, seq: number, id: number, tag: number, body: string, bulk?: string, bulkBytes = 0): void {
    const header = frameHeader(kind, seq, port.delivery.expected, credit(), id, tag, body.length + bulkBytes);
    counters.tx_frames += 1;
    ackSent(port.delivery);
    if (carrier.writeFrame !== undefined) {
      counters.tx_bytes += carrier.writeFrame(header, body, bulk);
      return;
    }
    const bytes = seal.seal(header, bulk === undefined ? body : body + bulk);
    counters.tx_bytes += bytes.length;
    carrier.write(bytes);
  }

  /** The other end's own line of a message where it has described itself, else this end's. */
  function known(id: number): Descriptor | undefined {
    if (port.foreign !== undefined) {
      for (const descriptor of port.foreign) if (descriptor.id === id) return descriptor;
    }
    return messageById(id);
  }

  /** Frames behind a gap are not kept. The other end is told once, and its time-out is the answer where that is lost. */
  function gap(): void {
    counters.out_of_order += 1;
    if (port.delivery.gapTold) return;
    port.delivery.gapTold = true;
    counters.naks_sent += 1;
    port.control("nak", { expected: port.delivery.expected }, 0);
  }

  function onFrame(frame: Frame): void {
    counters.rx_frames += 1;
    port.lastHeard_ms = now;
    const reliable = frame.kind === Kind.request || frame.kind === Kind.response || frame.kind === Kind.event;
    if (!port.open && frame.kind !== Kind.control) {
      counters.outside_session += 1;
      if (port.onOutside !== undefined) port.onOutside(now);
      return;
    }
    if (port.open && frame.kind !== Kind.control) {
      acknowledged(port.delivery, frame.ack, now);
      granted(port.delivery, frame.credit, now);
    }
    if (frame.kind === Kind.request && frame.seq === port.delivery.expected && credit() === 0) {
      // The other end was told; it repeats the frame when there is credit again.
      counters.no_credit += 1;
      port.delivery.ackDue = true;
      port.delivery.ackDue_ms = now;
      return;
    }
    if (reliable) {
      const arrival = arrived(port.delivery, frame.seq, now);
      if (arrival === "duplicate") counters.duplicate += 1;
      if (arrival === "gap") gap();
      if (arrival !== "accept") return;
    }
    if (frame.kind === Kind.ack) return;
    const descriptor = known(frame.id);
    if (descriptor === undefined) {
      counters.unknown += 1;
      if (frame.kind === Kind.request) port.reliable("refusal", { code: 1, detail: "unknown message" }, frame.tag);
      return;
    }
    const body = decodeBody(descriptor, frame.body);
    if (body === undefined || kindNumber(descriptor.kind) !== frame.kind) {
      counters.malformed += 1;
      if (frame.kind === Kind.request) port.reliable("refusal", { code: 2, detail: descriptor.name }, frame.tag);
      return;
    }
    if (descriptor.name === "nak" && port.open) {
      counters.naks_heard += 1;
      acknowledged(port.delivery, body.expected as number, now);
      gapHeard(port.delivery);
      return;
    }
    onMessage(descriptor, body, frame);
  }

  const port: Port = {
    counters,
    deframer: deframer(cap, seal, onFrame),
    delivery: delivery(),
    open: false,
    lastHeard_ms: 0,

    rx(this: void, chunk: string, now_ms: number): void {
      now = now_ms;
      counters.rx_bytes += chunk.length;
      port.deframer.rx(chunk);
    },

    control(this: void, name: string, body: Body, tag: number): void {
      const descriptor = messageNamed(name) as Descriptor;
      write(Kind.control, 0, descriptor.id, tag, encodeBody(descriptor, body));
    },

    reliable(this: void, name: string, body: Body, tag: number): void {
      const descriptor = messageNamed(name) as Descriptor;
      port.reliableBytes(kindNumber(descriptor.kind), descriptor.id, tag, encodeBody(descriptor, body));
    },

    reliableBytes(this: void, kind: number, id: number, tag: number, body: string): void {
      enqueue(port.delivery, kind, id, tag, body);
    },

    state(this: void, name: string, key: string, body: Body): void {
      const descriptor = messageNamed(name) as Descriptor;
      const bytes = encodeBody(descriptor, body);
      for (const waiting of pending) {
        if (waiting.key === key && waiting.id === descriptor.id) {
          waiting.body = bytes;
          counters.merged_state += 1;
          return;
        }
      }
      pending.push({ key, id: descriptor.id, body: bytes });
    },

    stream(this: void, name: string, body: Body, bulk: string | undefined, bulkBytes: number): boolean {
      const descriptor = messageNamed(name) as Descriptor;
      const bytes = encodeBody(descriptor, body);
      // The margin keeps room for pings and acknowledgements, which must never wait behind bulk.
      if (!port.open || carrier.room() < bytes.length + bulkBytes + 320) {
        counters.dropped_stream += 1;
        return false;
      }
      write(Kind.stream, 0, descriptor.id, 0, bytes, bulk, bulkBytes);
      return true;
    },

    pump(this: void, now_ms: number): "ok" | "lost" {
      now = now_ms;
      if (!port.open) return "ok";
      while (true) {
        const due = dueFrame(port.delivery, now_ms);
        if (due === "lost") return "lost";
        if (due === undefined || carrier.room() < due.body.length + 16) break;
        if (due.attempts > 0) counters.resent += 1;
        frameSent(due, now_ms);
        write(due.kind, due.seq, due.id, due.tag, due.body);
      }
      if (pending.length > 0) {
        const kept: PendingState[] = [];
        for (const waiting of pending) {
          if (carrier.room() < waiting.body.length + 320) kept.push(waiting);
          else write(Kind.state, 0, waiting.id, 0, waiting.body);
        }
        pending = kept;
      }
      if (port.delivery.ackDue && dueIn(port.delivery, now_ms, 1) === 0) write(Kind.ack, 0, 7, 0, "");
      return "ok";
    },

    dueIn(this: void, now_ms: number, limit: number): number {
      return port.open ? dueIn(port.delivery, now_ms, limit) : limit;
    },

    reset(this: void): void {
      port.delivery = delivery();
      pending = [];
      counters.resets += 1;
    },
  };
  return port;
}

function kindNumber(kind: string): number {
  const kinds: Record<string, number> = Kind;
  return kinds[kind] as number;
}
