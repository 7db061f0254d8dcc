import { setImmediate as turn } from "node:timers/promises";

/** Items that are worked on in one go: a few milliseconds. */
const PIECE = 20_000;

/** Work that may take seconds: between two of its steps others may run. */
export type Steps<T> = Generator<undefined, T>;

/** Ranges that go through so many items, piece by piece. */
export function* pieces(count: number): Generator<[from: number, to: number]> {
  for (let from = 0; from < count; from += PIECE) yield [from, Math.min(count, from + PIECE)];
}

/** Does the work to its end at once. */
export function atOnce<T>(work: Steps<T>): T {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
}

/** Does the work step by step; the event loop turns after each. */
export async function stepwise<T>(work: Steps<T>): Promise<T> {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
    await turn();
  }
}
