import { ANSWERS_KEPT } from "../limits.ts";

/**
 * At-most-once execution: the last requests of a host by tag. A request that comes again (same tag, id and body) is
 * not executed again; its answer is repeated when there is one, or awaited while it runs. The memory outlives the
 * session, because a host that lost the link asks again with the same tag after it is welcomed.
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
  /** Entries by tag, and in the order of their requests: a chain, at most ANSWERS_KEPT long. */
  byTag: Record<number, Answered | undefined>;
  oldest: Answered;
  newest: Answered;
  /** Requests that can be taken before one of those that run is answered: the credit that the other end is told. */
  left: number;
}

/** An entry that no request matches: no message has this id. */
function blank(): Answered {
  return { tag: -1, id: -1, body: "", answerId: 0, answer: "", newer: undefined };
}

export function answers(): Answers {
  const oldest = blank();
  let newest = oldest;
  for (let i = 1; i < ANSWERS_KEPT; i += 1) {
    newest.newer = blank();
    newest = newest.newer;
  }
  return { byTag: {}, oldest, newest, left: ANSWERS_KEPT };
}

/** Forgets everything: another host has come. */
export function forget(a: Answers): void {
  const fresh = answers();
  a.byTag = fresh.byTag;
  a.oldest = fresh.oldest;
  a.newest = fresh.newest;
  a.left = fresh.left;
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
  let before: Answered | undefined;
  let entry = a.oldest;
  while (entry.newer !== undefined && (same === undefined ? entry.answerId < 0 : entry !== same)) {
    before = entry;
    entry = entry.newer;
  }
  if (entry.answerId < 0) a.left += 1;
  if (same === undefined) a.byTag[entry.tag] = undefined;
  if (entry.newer !== undefined) {
    if (before === undefined) a.oldest = entry.newer;
    else before.newer = entry.newer;
    entry.newer = undefined;
    a.newest.newer = entry;
    a.newest = entry;
  }
  entry.tag = tag;
  entry.id = id;
  entry.body = body;
  entry.answerId = -1;
  a.byTag[tag] = entry;
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
