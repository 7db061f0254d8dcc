import { ANSWERS_KEPT, REQUESTS_RUN } from "../limits.ts";

/**
 * At-most-once execution: the last requests of a host by tag. A request that comes again (same tag, id and body) is
 * not executed again; its answer is repeated when there is one, or awaited while it runs. The memory outlives the
 * session: frames are counted anew behind a hello, so one of before that a line delivers late would count as new. A host
 * of this project never asks again by itself (what it lost is `unknown`); another one may, with the same tag and nonce.
 */
export interface Answered {
  tag: number;
  id: number;
  body: string;
  /** Answer message; -1 while the request runs. */
  answerId: number;
  answer: string;
  newer: Answered | undefined;
}

export interface Answers {
  /** Entries by tag, and in the order of their requests: a chain, longer than ANSWERS_KEPT where more have run at once. */
  byTag: Record<number, Answered | undefined>;
  oldest: Answered | undefined;
  newest: Answered | undefined;
  kept: number;
  /** Requests that can be taken before one of those that run is answered: the credit that the other end is told. */
  left: number;
}

export function answers(): Answers {
  const a = {} as Answers;
  forget(a);
  return a;
}

/** Forgets everything: another host has come. */
export function forget(a: Answers): void {
  a.byTag = {};
  a.oldest = undefined;
  a.newest = undefined;
  a.kept = 0;
  a.left = REQUESTS_RUN;
}

/** The entry of this very request, or undefined when it is new. */
export function findAnswer(a: Answers, tag: number, id: number, body: string): Answered | undefined {
  const entry = a.byTag[tag];
  return entry !== undefined && entry.id === id && entry.body === body ? entry : undefined;
}

/**
 * Remembers a request that starts to run; forgets the one of the same tag, else the oldest answered one. There is one:
 * without credit no request is taken.
 */
export function began(a: Answers, tag: number, id: number, body: string): void {
  const same = a.byTag[tag];
  let entry = a.oldest as Answered;
  // Where all of them run one more is needed.
  if (same === undefined && (a.kept < ANSWERS_KEPT || a.kept + a.left === REQUESTS_RUN)) {
    a.kept += 1;
    entry = { tag, id, body, answerId: -1, answer: "", newer: undefined };
    a.byTag[tag] = entry;
  } else {
    let before: Answered | undefined;
    while (entry.newer !== undefined && (same === undefined ? entry.answerId < 0 : entry !== same)) {
      before = entry;
      entry = entry.newer;
    }
    if (before === undefined) a.oldest = entry.newer;
    else before.newer = entry.newer;
    if (a.newest === entry) a.newest = before;
    if (entry.answerId < 0) a.left += 1;
    if (same === undefined) {
      // In this order: a Lua table that loses a key first shrinks and grows again with every request.
      a.byTag[tag] = entry;
      a.byTag[entry.tag] = undefined;
    }
    entry.tag = tag;
    entry.id = id;
    entry.body = body;
    entry.answerId = -1;
    entry.newer = undefined;
  }
  if (a.newest === undefined) a.oldest = entry;
  else a.newest.newer = entry;
  a.newest = entry;
  a.left -= 1;
}

/** Stores the answer of a running request; false when the tag is not running (answered twice, or forgotten). */
export function answeredWith(a: Answers, tag: number, answerId: number, answer: string): boolean {
  const entry = a.byTag[tag];
  if (entry === undefined || entry.answerId >= 0) return false;
  a.left += 1;
  entry.answerId = answerId;
  entry.answer = answer;
  return true;
}
