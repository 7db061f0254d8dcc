import { Kind } from "../frame/frame.ts";
import type { Seal } from "../frame/seal.ts";
import { encodedLimitControl, SILENCE_MS, WINDOW_FRAMES } from "../limits.ts";
import { encode, type Message, type MessageName, messageNamed, type RequestName } from "../messages/index.ts";
import type { Body } from "../schema/codec.ts";
import type { Descriptor } from "../schema/message.ts";
import { answeredWith, answers, began, findAnswer } from "./answers.ts";
import { type Carrier, createPort, type Port } from "./port.ts";

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
  const memory = answers();
  let hostNonce = -1;

  function onMessage(descriptor: Descriptor, body: Body, frame: { kind: number; tag: number; body: string }): void {
    if (descriptor.name === "hello") {
      // A host that restarted counts its tags anew: its requests must never meet answers of the process before.
      if (hostNonce !== (body.nonce as number)) memory.kept = [];
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

  const port = createPort(carrier, seal, encodedLimitControl, WINDOW_FRAMES, onMessage);

  return {
    port,
    rx: port.rx,
    tick(this: void, now_ms: number, limit: number): number {
      const silent = now_ms - port.lastHeard_ms > SILENCE_MS * 2;
      if (port.open && (port.pump(now_ms) === "lost" || silent)) {
        port.open = false;
        port.reset();
        hooks.onHost(false);
      }
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
