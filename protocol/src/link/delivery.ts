import { wrapDiff } from "#platform";
import { ACK_DELAY_MS, CREDIT_PROBE_MS, RETRY_MIN_MS, SEND_ATTEMPTS, WINDOW_FRAMES } from "../limits.ts";
import { type Retry, retry, roundTrip, timeoutMs } from "./retry.ts";

/**
 * Reliable, ordered delivery of frames in both directions (go-back-N): 8-bit sequence numbers, a cumulative
 * acknowledgement in every frame, repetition after an adaptive time-out. Pure bookkeeping: the session sends.
 */
export interface Waiting {
  kind: number;
  id: number;
  tag: number;
  body: string;
  seq: number;
  attempts: number;
  /** Must go again, because the receiver keeps nothing behind a gap. */
  resend: boolean;
  sent_ms: number;
  next: Waiting | undefined;
}

export interface Delivery {
  /** Frames sent and not acknowledged, oldest first, then frames that wait for the window: a chain. */
  first: Waiting | undefined;
  last: Waiting | undefined;
  /** An acknowledged frame's record, for the next frame: most of the time one is enough. */
  spare: Waiting | undefined;
  nextSeq: number;
  /** Seq that the other end must send next. */
  expected: number;
  ackDue: boolean;
  ackDue_ms: number;
  window: number;
  /** Reliable frames that the other end takes beyond its last acknowledgement, and since when. */
  credit: number;
  credit_ms: number;
  /** The present gap was told to the other end. */
  gapTold: boolean;
  retry: Retry;
}

/** What the session must do with a received reliable frame. */
export type Arrival = "accept" | "duplicate" | "gap";

export function delivery(): Delivery {
  return {
    first: undefined,
    last: undefined,
    spare: undefined,
    nextSeq: 0,
    expected: 0,
    ackDue: false,
    ackDue_ms: 0,
    window: WINDOW_FRAMES,
    credit: WINDOW_FRAMES,
    credit_ms: 0,
    gapTold: false,
    retry: retry(),
  };
}

export function enqueue(d: Delivery, kind: number, id: number, tag: number, body: string): void {
  const { spare, last, nextSeq: seq } = d;
  let waiting: Waiting;
  if (spare === undefined) {
    waiting = { kind, id, tag, body, seq, attempts: 0, resend: false, sent_ms: 0, next: undefined };
  } else {
    d.spare = undefined;
    waiting = spare;
    waiting.kind = kind;
    waiting.id = id;
    waiting.tag = tag;
    waiting.body = body;
    waiting.seq = seq;
    waiting.attempts = 0;
    waiting.resend = false;
    waiting.next = undefined;
  }
  if (d.first === undefined) d.first = waiting;
  else (last as Waiting).next = waiting;
  d.last = waiting;
  d.nextSeq = (seq + 1) & 255;
}

/** Drops frames that the other end has: everything before `ack`. An `ack` outside the window is ignored. */
export function acknowledged(d: Delivery, ack: number, now_ms: number): void {
  const { first } = d;
  if (first === undefined || ack === first.seq) return;
  const count = (ack - first.seq) & 255;
  if (count > d.window) return;
  let last: Waiting | undefined = first;
  for (let i = 1; i < count && last !== undefined; i += 1) last = last.next;
  if (last === undefined || last.attempts === 0) return;
  if (last.attempts === 1) roundTrip(d.retry, wrapDiff(now_ms, last.sent_ms));
  d.first = last.next;
  d.spare = last;
}

/** Judges the seq of an arriving reliable frame and notes that an acknowledgement is owed. */
export function arrived(d: Delivery, seq: number, now_ms: number): Arrival {
  if (seq === d.expected) {
    d.expected = (seq + 1) & 255;
    d.gapTold = false;
    // The second frame without an acknowledgement in between gets it at once.
    d.ackDue_ms = d.ackDue ? now_ms : now_ms + ACK_DELAY_MS;
    d.ackDue = true;
    return "accept";
  }
  // The sender repeats or skips: tell it at once where this end stands.
  d.ackDue = true;
  d.ackDue_ms = now_ms;
  return ((seq - d.expected) & 255) < 128 ? "gap" : "duplicate";
}

/** The other end grants no frame beyond what it has acknowledged. */
export function creditless(d: Delivery, now_ms: number): void {
  if (d.credit > 0) d.credit_ms = now_ms;
  d.credit = 0;
  // What is not acknowledged was not taken: it has not been sent as far as attempts and time-outs go.
  for (let waiting = d.first; waiting !== undefined; waiting = waiting.next) {
    waiting.attempts = 0;
    waiting.resend = false;
  }
}

/** The other end misses everything from the oldest unacknowledged frame on. */
export function gapHeard(d: Delivery): void {
  for (let waiting = d.first; waiting !== undefined; waiting = waiting.next) {
    if (waiting.attempts > 0) waiting.resend = true;
  }
}

/** Frames that may be on their way where the other end has less credit than the window: without any, a probe now and then. */
function probe(d: Delivery, now_ms: number): number {
  if (d.credit > 0 || wrapDiff(now_ms, d.credit_ms) < CREDIT_PROBE_MS) return d.credit;
  d.credit_ms = now_ms;
  return 1;
}

function timedOut(d: Delivery, waiting: Waiting, now_ms: number): boolean {
  const age_ms = wrapDiff(now_ms, waiting.sent_ms);
  return age_ms >= RETRY_MIN_MS && age_ms >= timeoutMs(d.retry, waiting.attempts);
}

/**
 * The frame of the window that must be sent now, for the first time or again; undefined when there is none. `lost`
 * means that a frame used up its attempts. After a time-out the whole window is repeated.
 */
export function dueFrame(d: Delivery, now_ms: number): Waiting | "lost" | undefined {
  const { first } = d;
  if (first === undefined) return undefined;
  if (first.attempts > 0 && !first.resend && timedOut(d, first, now_ms)) {
    if (first.attempts >= SEND_ATTEMPTS) return "lost";
    let again: Waiting | undefined = first;
    for (let i = 0; i < d.window && again !== undefined; i += 1) {
      again.resend = again.attempts > 0;
      again = again.next;
    }
  }
  let waiting: Waiting | undefined = first;
  for (let free = d.credit < d.window ? probe(d, now_ms) : d.window; free > 0 && waiting !== undefined; free -= 1) {
    if (waiting.attempts === 0 || waiting.resend) return waiting;
    waiting = waiting.next;
  }
  return undefined;
}

/** Milliseconds until `dueFrame` or the owed acknowledgement may have something, at most `limit`. */
export function dueIn(d: Delivery, now_ms: number, limit: number): number {
  let wait = limit;
  if (d.ackDue) wait = atMost(wait, wrapDiff(d.ackDue_ms, now_ms));
  const { first } = d;
  if (first !== undefined) {
    if (first.attempts > 0 && first.sent_ms === now_ms && wait < RETRY_MIN_MS) return wait < 0 ? 0 : wait;
    if (first.attempts > 0) {
      const age_ms = wrapDiff(now_ms, first.sent_ms);
      // No time-out is shorter than RETRY_MIN_MS.
      if (age_ms + wait > RETRY_MIN_MS) wait = atMost(wait, timeoutMs(d.retry, first.attempts) - age_ms);
    } else wait = atMost(wait, d.credit > 0 ? 0 : CREDIT_PROBE_MS - wrapDiff(now_ms, d.credit_ms));
  }
  return wait < 0 ? 0 : wait;
}

function atMost(a: number, b: number): number {
  return b < a ? b : a;
}
