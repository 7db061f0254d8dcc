import { decodeBody, encodeBody } from "#codec";
import { deframer } from "#deframer";
import { frameWriter } from "#frame-writer";
import { messageById, messageNamed } from "#messages";
import type { Deframer } from "../frame/deframer.ts";
import type { Frame } from "../frame/frame.ts";
import { Kind } from "../frame/frame.ts";
import type { Seal } from "../frame/seal.ts";
import type { Body } from "../schema/codec.ts";
import type { Descriptor } from "../schema/message.ts";
import type { Carrier } from "./carrier.ts";
import { type LinkCounters, linkCounters } from "./counters.ts";
import {
  acknowledged,
  arrived,
  creditless,
  type Delivery,
  delivery,
  dueFrame,
  dueIn,
  enqueue,
  gapHeard,
} from "./delivery.ts";

/** A state frame that waits for room; `key` tells which newer one replaces it. */
interface PendingState {
  key: string;
  id: number;
  body: string;
}

/** Called for every message of an open or opening session that passed all checks of the wire. `bytes` are those of the body. */
export type OnMessage = (
  this: void,
  descriptor: Descriptor,
  body: Body,
  kind: number,
  tag: number,
  bytes: string,
) => void;

/** Result of `pump` in place of a time. */
export const LOST = -1;

/** Reliable frames that an end can take now. */
export interface Credit {
  left: number;
}

const CONTROL = Kind.control;
const REQUEST = Kind.request;
const EVENT = Kind.event;
const ACK = Kind.ack;
/** The message that an acknowledgement without another frame is. */
const ACK_ID = 0x07;

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
  /** The time of the call that runs, or of the last one. */
  now_ms: number;
  /** Finds the line of a message by its id: in this end's table, unless the other end has described its own. */
  lookup: (this: void, id: number) => Descriptor | undefined;
  /** Told of frames that came while no session was open. */
  onOutside?: (this: void, now_ms: number) => void;
  rx(this: void, chunk: string, now_ms: number): void;
  /** Takes a frame that passed the checks of `decodeFrame`: what `rx` does for each, and a runtime that deframes itself. */
  frame(
    this: void,
    kind: number,
    seq: number,
    ack: number,
    credit: number,
    id: number,
    tag: number,
    body: string,
    now_ms: number,
  ): void;
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
  /**
   * Sends what is due. Returns the milliseconds until it has work again, at most `limit`, or LOST when the other end
   * acknowledges nothing any more.
   */
  pump(this: void, now_ms: number, limit: number): number;
  /** Milliseconds until `pump` has work, at most `limit`. */
  dueIn(this: void, now_ms: number, limit: number): number;
  /** Forgets all sequence numbers and everything queued. */
  reset(this: void): void;
}

/**
 * @param cap longest encoded block taken from the other end
 * @param credit reliable frames that this end can take now, sent in every header
 */
export function createPort(carrier: Carrier, seal: Seal, cap: number, credit: Credit, onMessage: OnMessage): Port {
  const counters = linkCounters();
  const send = frameWriter(carrier, seal);
  let pending: PendingState[] = [];

  function write(kind: number, seq: number, id: number, tag: number, body: string, bulk?: string): void {
    const d = port.delivery;
    counters.tx_frames += 1;
    d.ackDue = false;
    counters.tx_bytes += send(kind, seq, d.expected, credit.left, id, tag, body, bulk);
  }

  /** Frames behind a gap are not kept. The other end is told once, and its time-out is the answer where that is lost. */
  function gap(): void {
    counters.out_of_order += 1;
    if (port.delivery.gapTold) return;
    port.delivery.gapTold = true;
    counters.naks_sent += 1;
    port.control("nak", { expected: port.delivery.expected }, 0);
  }

  function onFrame(
    kind: number,
    seq: number,
    ack: number,
    otherCredit: number,
    id: number,
    tag: number,
    bytes: string,
    now_ms: number,
  ): void {
    counters.rx_frames += 1;
    port.lastHeard_ms = now_ms;
    port.now_ms = now_ms;
    if (kind !== CONTROL) {
      if (!port.open) {
        counters.outside_session += 1;
        if (port.onOutside !== undefined) port.onOutside(now_ms);
        return;
      }
      const d = port.delivery;
      if (d.first !== undefined) acknowledged(d, ack, now_ms);
      if (otherCredit > 0) d.credit = otherCredit;
      else creditless(d, now_ms);
      if (kind === REQUEST && credit.left === 0 && seq === d.expected) {
        // The other end was told; it repeats the frame when there is credit again.
        counters.no_credit += 1;
        d.ackDue = true;
        d.ackDue_ms = now_ms;
        return;
      }
      // Requests, responses and events are the reliable ones.
      if (kind <= EVENT) {
        const arrival = arrived(d, seq, now_ms);
        if (arrival !== "accept") {
          if (arrival === "gap") gap();
          else counters.duplicate += 1;
          return;
        }
      } else if (kind === ACK) return;
    }
    const descriptor = port.lookup(id);
    if (descriptor === undefined) {
      counters.unknown += 1;
      if (kind === REQUEST) port.reliable("refusal", { code: 1, detail: "unknown message" }, tag);
      return;
    }
    const body = decodeBody(descriptor, bytes);
    if (body === undefined || descriptor.kindNumber !== kind) {
      counters.malformed += 1;
      if (kind === REQUEST) port.reliable("refusal", { code: 2, detail: descriptor.name }, tag);
      return;
    }
    if (descriptor.name === "nak" && port.open) {
      counters.naks_heard += 1;
      acknowledged(port.delivery, body.expected as number, now_ms);
      gapHeard(port.delivery);
      return;
    }
    onMessage(descriptor, body, kind, tag, bytes);
  }

  const port: Port = {
    counters,
    deframer: deframer(cap, seal, (frame: Frame) => {
      onFrame(frame.kind, frame.seq, frame.ack, frame.credit, frame.id, frame.tag, frame.body, port.now_ms);
    }),
    delivery: delivery(),
    open: false,
    lastHeard_ms: 0,
    now_ms: 0,
    lookup: messageById,
    frame: onFrame,

    rx(this: void, chunk: string, now_ms: number): void {
      port.now_ms = now_ms;
      counters.rx_bytes += chunk.length;
      port.deframer.rx(chunk);
    },

    control(this: void, name: string, body: Body, tag: number): void {
      const descriptor = messageNamed(name) as Descriptor;
      write(Kind.control, 0, descriptor.id, tag, encodeBody(descriptor, body));
    },

    reliable(this: void, name: string, body: Body, tag: number): void {
      const descriptor = messageNamed(name) as Descriptor;
      port.reliableBytes(descriptor.kindNumber, descriptor.id, tag, encodeBody(descriptor, body));
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
      write(Kind.stream, 0, descriptor.id, 0, bytes, bulk);
      return true;
    },

    pump(this: void, now_ms: number, limit: number): number {
      port.now_ms = now_ms;
      if (!port.open) return limit;
      const d = port.delivery;
      let due = dueFrame(d, now_ms);
      while (due !== undefined) {
        if (due === "lost") return LOST;
        if (carrier.room() < due.body.length + 16) break;
        if (due.attempts > 0) {
          counters.resent += 1;
          due.resend = false;
        }
        due.attempts += 1;
        due.sent_ms = now_ms;
        const { next } = due;
        write(due.kind, due.seq, due.id, due.tag, due.body);
        // Everything before a due frame has left already.
        due = next === undefined ? undefined : dueFrame(d, now_ms);
      }
      if (pending.length > 0) {
        const kept: PendingState[] = [];
        for (const waiting of pending) {
          if (carrier.room() < waiting.body.length + 320) kept.push(waiting);
          else write(Kind.state, 0, waiting.id, 0, waiting.body);
        }
        pending = kept;
      }
      if (d.ackDue && dueIn(d, now_ms, 1) === 0) write(ACK, 0, ACK_ID, 0, "");
      return dueIn(d, now_ms, limit);
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
