import type { ServerResponse } from "node:http";

/** A lease's end cuts what is open on its targets within a second: a reader that takes nothing has this long. */
const GRACE_MS = 500;

/** Ends a stream with a last line, and its connection whether the reader has taken what waits for it or not. */
export function cutOff(raw: ServerResponse, last: string): void {
  raw.end(last);
  const timer = setTimeout(() => raw.destroy(), GRACE_MS);
  raw.once("close", () => clearTimeout(timer));
}
