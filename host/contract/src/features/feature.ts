import type { ErrorName } from "../errors.ts";
import { z } from "../schema.ts";

/** What a login may do: viewers read; operators also command and lease; admins also override and manage. */
export const roles = ["viewer", "operator", "admin"] as const;
export type Role = (typeof roles)[number];

export type Method = "GET" | "PUT" | "POST" | "DELETE";

/** An answer that is no single JSON document. */
export type Stream = "text/event-stream" | "application/x-ndjson" | "text/plain" | "application/gzip";

/**
 * One call of a feature, for every face of the bay: the HTTP resource, the `mltb.board.v1` method, the MQTT command and
 * the command of the CLI. `params`, `query` and `body` together are the call's arguments; their names are distinct.
 */
export interface Call<
  P extends z.ZodObject = z.ZodObject,
  Q extends z.ZodObject = z.ZodObject,
  B extends z.ZodObject = z.ZodObject,
  A extends z.ZodType = z.ZodType,
> {
  method: Method;
  /** Path with `{name}` for each of `params`. */
  path: string;
  role: Role;
  summary: string;
  params: P;
  query: Q;
  body: B;
  /** Whether the call takes a body at all; a missing one is `{}`. */
  takes: "body" | "bytes" | "nothing";
  /** The document of the answer; undefined for a stream and for 204. */
  answer: A | undefined;
  stream: Stream | undefined;
  status: 200 | 201 | 204;
  /** Whether `?wait=false` answers 202 at once. */
  deferrable: boolean;
  /** A state-changing command: `Mltb-Lease` and `Idempotency-Key` are honoured. */
  command: boolean;
  /** No command, but `Mltb-Lease` is honoured: it is refused while somebody else has leased what it changes. */
  fenced: boolean;
  refusals: readonly ErrorName[];
  /** Feature of the topic `cmd/USER/.../FEATURE` that does the same. */
  mqtt: string | undefined;
  cli: string | undefined;
  /** Method of `mltb.board.v1`; `fields` gives the numbers of the request's fields from 1: append only. */
  grpc: { method: string; fields: readonly string[] } | undefined;
}

const nothing = z.strictObject({});

/** A call with what is left out filled in. */
export function call<
  P extends z.ZodObject = typeof nothing,
  Q extends z.ZodObject = typeof nothing,
  B extends z.ZodObject = typeof nothing,
  A extends z.ZodType = z.ZodUndefined,
>(
  method: Method,
  path: string,
  summary: string,
  rest: Partial<Omit<Call<P, Q, B, A>, "method" | "path" | "summary">>,
): Call<P, Q, B, A> {
  return {
    method,
    path,
    summary,
    role: method === "GET" ? "viewer" : "operator",
    params: nothing as unknown as P,
    query: nothing as unknown as Q,
    body: nothing as unknown as B,
    takes: rest.body === undefined ? "nothing" : "body",
    answer: undefined,
    stream: undefined,
    status: rest.answer === undefined && rest.stream === undefined ? 204 : 200,
    deferrable: false,
    command: false,
    fenced: false,
    refusals: [],
    mqtt: undefined,
    cli: undefined,
    grpc: undefined,
    ...rest,
  };
}

/** What a call is given: its arguments, flat. */
export type InputOf<C> =
  C extends Call<infer P, infer Q, infer B, infer _A> ? z.output<P> & z.output<Q> & z.output<B> : never;

/** What a call answers. */
export type AnswerOf<C> = C extends Call<infer _P, infer _Q, infer _B, infer A> ? z.input<A> : never;

/** A topic below `mltb/v1/BAY/`; capitals stand for names. */
export interface Topic {
  topic: string;
  direction: "out" | "in";
  retained: boolean;
  qos: 0 | 1;
  /** JSON document, or the words of a plain-text payload. */
  payload: z.ZodType | readonly string[];
  meaning: string;
}

/** State topics are retained, events are not. */
export const state = (topic: string, payload: Topic["payload"], meaning: string, qos: 0 | 1 = 1): Topic => ({
  topic,
  direction: "out",
  retained: true,
  qos,
  payload,
  meaning,
});

export const event = (topic: string, payload: Topic["payload"], meaning: string, qos: 0 | 1 = 1): Topic => ({
  topic,
  direction: "out",
  retained: false,
  qos,
  payload,
  meaning,
});

/** A feature of the bay, described once: documents, pages and faces are made from it. */
export interface Feature {
  name: string;
  summary: string;
  calls: Record<string, Call>;
  topics: readonly Topic[];
}

export function feature<C extends Record<string, unknown>>(
  name: string,
  summary: string,
  calls: C,
  topics: readonly Topic[] = [],
): { name: string; summary: string; calls: C; topics: readonly Topic[] } {
  return { name, summary, calls, topics };
}
