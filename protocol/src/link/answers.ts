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
}

export interface Answers {
  kept: Answered[];
  /** Requests that run: taken and not answered. */
  running: number;
}

export function answers(): Answers {
  return { kept: [], running: 0 };
}

/** The entry of this very request, or undefined when it is new. */
export function findAnswer(a: Answers, tag: number, id: number, body: string): Answered | undefined {
  for (const entry of a.kept) {
    if (entry.tag === tag && entry.id === id && entry.body === body) return entry;
  }
  return undefined;
}

/** Remembers a request that starts to run; forgets the oldest answered one. */
export function began(a: Answers, tag: number, id: number, body: string): void {
  const kept: Answered[] = [];
  let surplus = a.kept.length + 1 - ANSWERS_KEPT;
  for (const entry of a.kept) {
    if (entry.tag === tag) {
      surplus -= 1;
      if (entry.answerId < 0) a.running -= 1;
    } else if (surplus > 0 && entry.answerId >= 0) surplus -= 1;
    else kept.push(entry);
  }
  kept.push({ tag, id, body, answerId: -1, answer: "" });
  a.kept = kept;
  a.running += 1;
}

/** Stores the answer of a running request; false when the tag is not running (answered twice, or forgotten). */
export function answeredWith(a: Answers, tag: number, answerId: number, answer: string): boolean {
  for (const entry of a.kept) {
    if (entry.tag === tag && entry.answerId < 0) {
      a.running -= 1;
      entry.answerId = answerId;
      entry.answer = answer;
      return true;
    }
  }
  return false;
}
