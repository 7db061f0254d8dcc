import { encodeBody } from "#codec";
import { messageNamed, tableLines } from "#messages";
import { wrapDiff } from "#platform";
import { Kind } from "../frame/frame.ts";
import type { Seal } from "../frame/seal.ts";
import { CONTROL_BODY_BYTES, encodedLimitControl, HOLD_MS, RESET_EVERY_MS, SILENCE_MS } from "../limits.ts";
import { ResetReason } from "../messages/core.ts";
import type { Message, MessageName } from "../messages/index.ts";
import type { Body } from "../schema/codec.ts";
import type { Descriptor } from "../schema/message.ts";
import { answeredWith, answers, began, findAnswer, forget } from "./answers.ts";
import type { Carrier } from "./carrier.ts";
import { enqueue } from "./delivery.ts";
import { createPort, LOST, type Port } from "./port.ts";

const REQUEST = Kind.request;
const RESPONSE = Kind.response;
/** Room for lines in `describe_answer`. */
const DESCRIBE_BYTES = CONTROL_BODY_BYTES - 1;

/** A request that was accepted by the link; it must be answered exactly once, now or later. */
export type OnRequest = (this: void, name: string, body: Body, tag: number) => void;

export interface BoardHooks {
  /** The board's introduction, sent in answer to hello. `nonce` is filled in by the session. */
  welcome: (this: void) => Message<"welcome">;
  onRequest: OnRequest;
  /** A host opened the session (true) or fell silent (false). */
  onHost: (this: void, present: boolean) => void;
  /** Device tick, for pongs. */
  ticks_us: (this: void) => number;
}

/** The board's end of a link. */
export interface BoardSession {
  port: Port;
  rx(this: void, chunk: string, now_ms: number): void;
  /** Serves the link; returns the milliseconds until it wants to be called again, at most `limit`. */
  tick(this: void, now_ms: number, limit: number): number;
  answer<N extends MessageName>(this: void, tag: number, name: N, body: Message<N>): void;
  refuse(this: void, tag: number, code: number, detail: string): void;
  event<N extends MessageName>(this: void, name: N, body: Message<N>): void;
  state<N extends MessageName>(this: void, name: N, key: string, body: Message<N>): void;
  /** Sends a stream frame; `bulk` are the bytes of its last field where they are not in `body`. */
  stream<N extends MessageName>(
    this: void,
    name: N,
    body: Partial<Message<N>>,
    bulk?: string,
    bulkBytes?: number,
  ): boolean;
}

export function createBoardSession(carrier: Carrier, seal: Seal, hooks: BoardHooks): BoardSession {
  const memory = answers();
  let hostNonce = -1;
  let holder = "";
  /** When the session's own host was heard last; hellos of others do not count. */
  let held_ms = 0;
  let reset_ms = 0;
  /** Every pong: pings come all the time, and the body is not kept. */
  const pong = { token: 0, tick_us: 0, uptime_ms: 0 };

  /** The end without a session says so, seldom, so that the other end need not wait for its time-out. */
  function noSession(now_ms: number): void {
    if (now_ms < reset_ms) return;
    reset_ms = now_ms + RESET_EVERY_MS;
    port.control("reset", { reason: ResetReason.no_session }, 0);
  }

  function end(): void {
    port.open = false;
    port.reset();
    hooks.onHost(false);
  }

  function onHello(body: Body, tag: number): void {
    const now = port.now_ms;
    const nonce = body.nonce as number;
    const idle_ms = wrapDiff(now, held_ms);
    if (port.open && hostNonce !== nonce && idle_ms < HOLD_MS) {
      port.counters.busy += 1;
      port.control("busy", { nonce, idle_ms, holder }, tag);
      return;
    }
    held_ms = now;
    holder = body.name as string;
    // A host that restarted counts its tags anew: its requests must never meet answers of the process before.
    if (hostNonce !== nonce) forget(memory);
    hostNonce = nonce;
    port.reset();
    port.open = true;
    const welcome = hooks.welcome();
    welcome.nonce = nonce;
    port.control("welcome", welcome as unknown as Body, tag);
    hooks.onHost(true);
  }

  function onRequest(descriptor: Descriptor, body: Body, tag: number, bytes: string): void {
    const { id, name } = descriptor;
    const known = findAnswer(memory, tag, id, bytes);
    if (known !== undefined) {
      port.counters.repeated_answers += 1;
      if (known.answerId >= 0) port.reliableBytes(RESPONSE, known.answerId, tag, known.answer);
      return;
    }
    began(memory, tag, id, bytes);
    if (name === "describe") {
      session.answer(tag, "describe_answer", tableLines(body.first as number, DESCRIBE_BYTES));
    } else hooks.onRequest(name, body, tag);
  }

  function onMessage(descriptor: Descriptor, body: Body, kind: number, tag: number, bytes: string): void {
    const { name } = descriptor;
    if (name === "hello") {
      onHello(body, tag);
      return;
    }
    if (!port.open) {
      // A board that restarted must fall silent: a pong would let the host believe in the session of before.
      port.counters.outside_session += 1;
      if (name === "ping") noSession(port.now_ms);
      return;
    }
    held_ms = port.now_ms;
    if (kind === REQUEST) {
      onRequest(descriptor, body, tag, bytes);
    } else if (name === "ping") {
      pong.token = body.token as number;
      pong.tick_us = hooks.ticks_us();
      pong.uptime_ms = held_ms;
      port.control("pong", pong, 0);
    } else if (name === "reset") {
      end();
    } else port.counters.unexpected += 1;
  }

  const port = createPort(carrier, seal, encodedLimitControl, memory, onMessage);
  port.onOutside = noSession;

  const session: BoardSession = {
    port,
    rx: port.rx,
    tick(this: void, now_ms: number, limit: number): number {
      const wait_ms = port.pump(now_ms, limit);
      const silent = now_ms !== held_ms && port.open && wrapDiff(now_ms, held_ms) > SILENCE_MS * 2;
      if (wait_ms !== LOST && !silent) return wait_ms;
      end();
      return limit;
    },
    answer<N extends MessageName>(this: void, tag: number, name: N, body: Message<N>): void {
      const descriptor = messageNamed(name) as Descriptor;
      const { id } = descriptor;
      const bytes = encodeBody(descriptor, body as unknown as Body);
      if (!answeredWith(memory, tag, id, bytes)) port.counters.unexpected += 1;
      else if (port.open) enqueue(port.delivery, RESPONSE, id, tag, bytes);
    },
    refuse(this: void, tag: number, code: number, detail: string): void {
      session.answer(tag, "refusal", { code, detail });
    },
    event<N extends MessageName>(this: void, name: N, body: Message<N>): void {
      if (port.open) port.reliable(name, body as unknown as Body, 0);
    },
    state<N extends MessageName>(this: void, name: N, key: string, body: Message<N>): void {
      if (port.open) port.state(name, key, body as unknown as Body);
    },
    stream<N extends MessageName>(
      this: void,
      name: N,
      body: Partial<Message<N>>,
      bulk?: string,
      bulkBytes = 0,
    ): boolean {
      return port.stream(name, body as unknown as Body, bulk, bulkBytes);
    },
  };
  return session;
}
