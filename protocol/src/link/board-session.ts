import { encode, messageNamed, tableLines } from "#messages";
import { wrapDiff } from "#platform";
import { Kind } from "../frame/frame.ts";
import type { Seal } from "../frame/seal.ts";
import {
  ANSWERS_KEPT,
  CONTROL_BODY_BYTES,
  encodedLimitControl,
  HOLD_MS,
  RESET_EVERY_MS,
  SILENCE_MS,
} from "../limits.ts";
import { ResetReason } from "../messages/core.ts";
import type { Message, MessageName, RequestName } from "../messages/index.ts";
import type { Body } from "../schema/codec.ts";
import type { Descriptor } from "../schema/message.ts";
import { answeredWith, answers, began, findAnswer } from "./answers.ts";
import { type Carrier, createPort, type Port } from "./port.ts";

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
  /** Device tick and uptime, for pongs. */
  clock: (this: void) => { tick_us: number; uptime_ms: number };
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
  let memory = answers();
  let hostNonce = -1;
  let holder = "";
  /** When the session's own host was heard last; hellos of others do not count. */
  let held_ms = 0;
  let reset_ms = 0;
  let now = 0;

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

  function onMessage(descriptor: Descriptor, body: Body, frame: { kind: number; tag: number; body: string }): void {
    if (descriptor.name === "hello") {
      const idle_ms = wrapDiff(now, held_ms);
      if (port.open && hostNonce !== (body.nonce as number) && idle_ms < HOLD_MS) {
        port.counters.busy += 1;
        port.control("busy", { nonce: body.nonce as number, idle_ms, holder }, frame.tag);
        return;
      }
      held_ms = now;
      holder = body.name as string;
      // A host that restarted counts its tags anew: its requests must never meet answers of the process before.
      if (hostNonce !== (body.nonce as number)) memory = answers();
      hostNonce = body.nonce as number;
      port.reset();
      port.open = true;
      const welcome = hooks.welcome();
      welcome.nonce = hostNonce;
      port.control("welcome", welcome as unknown as Body, frame.tag);
      hooks.onHost(true);
      return;
    }
    if (!port.open) {
      // A board that restarted must fall silent: a pong would let the host believe in the session of before.
      port.counters.outside_session += 1;
      if (descriptor.name === "ping") noSession(now);
      return;
    }
    held_ms = now;
    if (descriptor.name === "reset") {
      end();
      return;
    }
    if (descriptor.name === "ping") {
      const clock = hooks.clock();
      port.control("pong", { token: body.token as number, tick_us: clock.tick_us, uptime_ms: clock.uptime_ms }, 0);
      return;
    }
    if (frame.kind !== Kind.request) {
      port.counters.unexpected += 1;
      return;
    }
    const known = findAnswer(memory, frame.tag, descriptor.id, frame.body);
    if (known === undefined && descriptor.name === "describe") {
      began(memory, frame.tag, descriptor.id, frame.body);
      const lines = tableLines(body.first as number, DESCRIBE_BYTES);
      respond(frame.tag, "describe_answer", encode("describe_answer", lines));
      return;
    }
    if (known === undefined) {
      began(memory, frame.tag, descriptor.id, frame.body);
      hooks.onRequest(descriptor.name as RequestName, body, frame.tag);
      return;
    }
    port.counters.repeated_answers += 1;
    if (known.answerId >= 0) port.reliableBytes(Kind.response, known.answerId, frame.tag, known.answer);
  }

  function respond(tag: number, name: MessageName, body: string): void {
    const id = (messageNamed(name) as Descriptor).id;
    if (!answeredWith(memory, tag, id, body)) {
      port.counters.unexpected += 1;
      return;
    }
    if (port.open) port.reliableBytes(Kind.response, id, tag, body);
  }

  const port = createPort(carrier, seal, encodedLimitControl, () => ANSWERS_KEPT - memory.running, onMessage);
  port.onOutside = noSession;

  return {
    port,
    rx(this: void, chunk: string, now_ms: number): void {
      now = now_ms;
      port.rx(chunk, now_ms);
    },
    tick(this: void, now_ms: number, limit: number): number {
      now = now_ms;
      const silent = wrapDiff(now_ms, held_ms) > SILENCE_MS * 2;
      if (port.open && (port.pump(now_ms) === "lost" || silent)) end();
      return port.dueIn(now_ms, limit);
    },
    answer<N extends MessageName>(this: void, tag: number, name: N, body: Message<N>): void {
      respond(tag, name, encode(name, body));
    },
    refuse(this: void, tag: number, code: number, detail: string): void {
      respond(tag, "refusal", encode("refusal", { code, detail }));
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
}
