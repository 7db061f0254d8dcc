import { wrapDiff } from "#platform";
import { Kind } from "../frame/frame.ts";
import type { Seal } from "../frame/seal.ts";
import {
  encodedLimitStream,
  HELLO_EVERY_MS,
  MAJOR,
  MINOR,
  PING_EVERY_MS,
  SILENCE_MS,
  WINDOW_FRAMES,
} from "../limits.ts";
import { ResetReason } from "../messages/core.ts";
import {
  type AnswerOf,
  type Message,
  type MessageName,
  messageById,
  messageNamed,
  type RequestName,
} from "../messages/index.ts";
import { TABLE_FINGERPRINT } from "../messages/table-fingerprint.ts";
import { type Body, encodeBody } from "../schema/codec.ts";
import { type Descriptor, parseLine } from "../schema/message.ts";
import type { Carrier } from "./carrier.ts";
import { createPort, LOST, type Port } from "./port.ts";

/** How a request ended. `unknown`: the link or the board was lost while it ran; nothing is sent again. */
export type RequestOutcome<N extends MessageName = MessageName> =
  | { kind: "answer"; name: N; body: Message<N> }
  | { kind: "refused"; code: number; detail: string }
  | { kind: "timeout" }
  | { kind: "unknown" };

/** The same for a message that is not in this host's table. */
export type ForeignOutcome = Exclude<RequestOutcome, { kind: "answer" }> | { kind: "answer"; name: string; body: Body };

export interface HostHooks {
  /** The board introduced itself: the session is open. `restarted` when its epoch differs from the last one. */
  onWelcome: (this: void, welcome: Message<"welcome">, restarted: boolean) => void;
  /** An event, state or stream message. */
  onMessage: (this: void, name: string, body: Body) => void;
  /** The board is silent or acknowledges nothing. The session tries to open again until it is stopped. */
  onLost: (this: void, reason: string) => void;
  /** A pong, with its round trip. */
  onPong: (this: void, body: Message<"pong">, round_trip_ms: number) => void;
  /** A ping leaves now: for those who take the time more finely than the session does. */
  onPing?: (this: void) => void;
  /** Another host has the session; this one goes on asking. */
  onBusy?: (this: void, body: Message<"busy">) => void;
  /** The board speaks another message table and has described it: its messages are understood from here on. */
  onDescribed?: (this: void, messages: Descriptor[]) => void;
}

/** Time for one part of a board's description. */
const DESCRIBE_MS = 2000;

/** A line of a description: the message's name, then its line without the sentence. */
const DESCRIBED =
  /^([a-z][a-z0-9_]*) (0x[0-9a-f]{2} (?:control|ack|request:[a-z0-9_]+|response|event|state|stream) (?:host|board|both)(?: [a-z][a-z0-9_]*:(?:u8|u16|u32|i16|i32|text|rest))* --)$/;

interface Open {
  tag: number;
  answer: string;
  deadline_ms: number;
  done: (this: void, outcome: ForeignOutcome) => void;
}

/** The host's end of a link. */
export interface HostSession {
  port: Port;
  /** Says hello until the board answers. */
  connect(this: void, now_ms: number): void;
  /** Ends the session; open requests become `unknown`. */
  close(this: void): void;
  rx(this: void, chunk: string, now_ms: number): void;
  /** Serves the link; call at least every few milliseconds. Returns the milliseconds until it wants to run again. */
  tick(this: void, now_ms: number): number;
  request<N extends RequestName>(
    this: void,
    name: N,
    body: Message<N>,
    timeout_ms: number,
    now_ms: number,
    done: (this: void, outcome: RequestOutcome<AnswerOf<N>>) => void,
  ): void;
  /** Sends a request that only the board's own description names. */
  requestNamed(
    this: void,
    name: string,
    body: Body,
    timeout_ms: number,
    now_ms: number,
    done: (this: void, outcome: ForeignOutcome) => void,
  ): void;
}

/**
 * @param name the host's name, shown by the board
 * @param nonce 16-bit number of this host process; a board forgets kept answers when it changes
 */
export function createHostSession(
  carrier: Carrier,
  seal: Seal,
  name: string,
  nonce: number,
  hooks: HostHooks,
): HostSession {
  let open: Open[] = [];
  let wanted = false;
  let hello_ms = 0;
  let ping_ms = 0;
  let pingSent_ms = 0;
  let pingToken = 0;
  let sessionNumber = 0;
  let nextTag = 1;
  let epoch = -1;
  let now = 0;

  function finishAll(outcome: { kind: "unknown" }): void {
    const ended = open;
    open = [];
    for (const request of ended) {
      port.counters.timeouts += 1;
      request.done(outcome);
    }
  }

  /** The board's message table, where it is another than this host's and the board has described it. */
  let foreign: Descriptor[] = [];

  function lose(reason: string): void {
    port.open = false;
    port.reset();
    hello_ms = now;
    hooks.onLost(reason);
    finishAll({ kind: "unknown" });
  }

  function onWelcome(body: Message<"welcome">, tag: number): void {
    if (!wanted || port.open || tag !== sessionNumber || body.nonce !== nonce) {
      port.counters.unexpected += 1;
      return;
    }
    const restarted = epoch >= 0 && epoch !== body.epoch;
    epoch = body.epoch;
    port.reset();
    port.delivery.window = body.window > 0 && body.window < WINDOW_FRAMES ? body.window : WINDOW_FRAMES;
    port.open = true;
    ping_ms = now;
    pingSent_ms = 0;
    if (body.fingerprint === TABLE_FINGERPRINT) speak([]);
    else describe(1, []);
    hooks.onWelcome(body, restarted);
  }

  /** Reads messages by the board's own lines where it has described them. */
  function speak(messages: Descriptor[]): void {
    foreign = messages;
    const byId = new Map(messages.map((message) => [message.id, message]));
    port.lookup = (id) => byId.get(id) ?? messageById(id);
  }

  /** Reads the board's table, part by part. A board that cannot describe itself is spoken to in this host's words. */
  function describe(first: number, before: string[]): void {
    send("describe", { first }, DESCRIBE_MS, now, (outcome) => {
      if (outcome.kind !== "answer") {
        port.counters.undescribed += 1;
        return;
      }
      const lines = [...before, ...(outcome.body.data as string).split("\n")];
      const next = outcome.body.next as number;
      if (next > first) {
        describe(next, lines);
        return;
      }
      const messages: Descriptor[] = [];
      for (const text of lines) {
        const [, name, line] = DESCRIBED.exec(text) ?? [];
        if (name !== undefined && line !== undefined) messages.push(parseLine(name, line));
        else if (text !== "") port.counters.malformed += 1;
      }
      speak(messages);
      hooks.onDescribed?.(messages);
    });
  }

  function onMessage(descriptor: Descriptor, body: Body, kind: number, tag: number): void {
    if (descriptor.name === "welcome") {
      onWelcome(body as unknown as Message<"welcome">, tag);
    } else if (descriptor.name === "busy") {
      if (!port.open && body.nonce === nonce) hooks.onBusy?.(body as unknown as Message<"busy">);
      else port.counters.unexpected += 1;
    } else if (descriptor.name === "reset") {
      // The board has no session: waiting for its silence would only lose time.
      if (port.open) lose("reset by the board");
    } else if (descriptor.name === "pong") {
      if (body.token === pingToken) hooks.onPong(body as unknown as Message<"pong">, wrapDiff(now, pingSent_ms));
      else port.counters.unexpected += 1;
    } else if (kind === Kind.response) {
      onResponse(descriptor, body, tag);
    } else {
      hooks.onMessage(descriptor.name, body);
    }
  }

  function onResponse(descriptor: Descriptor, body: Body, tag: number): void {
    let found: Open | undefined;
    const rest: Open[] = [];
    for (const request of open) {
      if (request.tag === tag && (descriptor.name === request.answer || descriptor.name === "refusal")) found = request;
      else rest.push(request);
    }
    if (found === undefined) {
      port.counters.unexpected += 1;
      return;
    }
    open = rest;
    if (descriptor.name === "refusal") {
      found.done({ kind: "refused", code: body.code as number, detail: body.detail as string });
    } else {
      found.done({ kind: "answer", name: descriptor.name, body });
    }
  }

  function freeTag(): number {
    for (let tries = 0; tries < 255; tries += 1) {
      const tag = nextTag;
      nextTag = nextTag === 255 ? 1 : nextTag + 1;
      let used = false;
      for (const request of open) if (request.tag === tag) used = true;
      if (!used) return tag;
    }
    return 0;
  }

  function expire(now_ms: number): void {
    const rest: Open[] = [];
    const late: Open[] = [];
    for (const request of open) {
      if (wrapDiff(now_ms, request.deadline_ms) >= 0) late.push(request);
      else rest.push(request);
    }
    if (late.length === 0) return;
    open = rest;
    for (const request of late) {
      port.counters.timeouts += 1;
      request.done({ kind: "timeout" });
    }
  }

  const port = createPort(carrier, seal, encodedLimitStream, { left: WINDOW_FRAMES }, onMessage);

  function send(
    requestName: string,
    body: Body,
    timeout_ms: number,
    now_ms: number,
    done: (this: void, outcome: ForeignOutcome) => void,
  ): void {
    const descriptor = messageNamed(requestName) ?? foreign.find((message) => message.name === requestName);
    const tag = port.open && descriptor?.kind === "request" ? freeTag() : 0;
    if (tag === 0 || descriptor === undefined) {
      done({ kind: "unknown" });
      return;
    }
    open.push({ tag, answer: descriptor.answer, deadline_ms: now_ms + timeout_ms, done });
    port.reliableBytes(Kind.request, descriptor.id, tag, encodeBody(descriptor, body));
    port.pump(now_ms, 0);
  }

  return {
    port,
    connect(this: void, now_ms: number): void {
      wanted = true;
      hello_ms = now_ms;
      now = now_ms;
    },
    close(this: void): void {
      wanted = false;
      if (port.open) port.control("reset", { reason: ResetReason.closed }, 0);
      port.open = false;
      port.reset();
      finishAll({ kind: "unknown" });
    },
    rx(this: void, chunk: string, now_ms: number): void {
      now = now_ms;
      port.rx(chunk, now_ms);
    },
    tick(this: void, now_ms: number): number {
      now = now_ms;
      if (!wanted) return 1000;
      if (!port.open) {
        if (wrapDiff(now_ms, hello_ms) >= 0) {
          hello_ms = now_ms + HELLO_EVERY_MS;
          sessionNumber = (sessionNumber + 1) & 255;
          port.control(
            "hello",
            { major: MAJOR, minor: MINOR, nonce, fingerprint: TABLE_FINGERPRINT, name },
            sessionNumber,
          );
        }
        return hello_ms - now_ms;
      }
      if (wrapDiff(now_ms, ping_ms) >= 0) {
        ping_ms = now_ms + PING_EVERY_MS;
        pingToken = (pingToken + 1) & 65535;
        pingSent_ms = now_ms;
        hooks.onPing?.();
        port.control("ping", { token: pingToken }, 0);
      }
      if (wrapDiff(now_ms, port.lastHeard_ms) > SILENCE_MS) lose("silent");
      else if (port.pump(now_ms, 0) === LOST) lose("no-acknowledgement");
      expire(now_ms);
      return port.dueIn(now_ms, ping_ms - now_ms);
    },
    request<N extends RequestName>(
      this: void,
      requestName: N,
      body: Message<N>,
      timeout_ms: number,
      now_ms: number,
      done: (this: void, outcome: RequestOutcome<AnswerOf<N>>) => void,
    ): void {
      send(requestName, body as unknown as Body, timeout_ms, now_ms, done as (outcome: ForeignOutcome) => void);
    },
    requestNamed: send,
  };
}
