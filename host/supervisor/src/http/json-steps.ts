import type { Steps } from "../steps.ts";

/** Characters that are written in one step, and items of a list that are written together. */
const CHARACTERS = 65_536;
const ITEMS = 200;
/** A list that is as short may have items as large as the whole. */
const FEW = 8;

/** What `JSON.stringify` makes of plain data, step by step. */
export function* jsonSteps(data: unknown): Steps<Buffer> {
  const pieces: Buffer[] = [];
  let text = "";

  function* rest(): Generator<undefined, void> {
    if (text.length < CHARACTERS) return;
    pieces.push(Buffer.from(text));
    text = "";
    yield;
  }

  function* write(value: unknown): Generator<undefined, void> {
    if (Array.isArray(value)) {
      const few = value.length <= FEW;
      text += "[";
      for (let from = 0; from < value.length; from += few ? 1 : ITEMS) {
        if (from > 0) text += ",";
        if (few) yield* write(value[from]);
        else text += JSON.stringify(value.slice(from, from + ITEMS)).slice(1, -1);
        yield* rest();
      }
      text += "]";
    } else if (typeof value === "object" && value !== null) {
      let before = "{";
      for (const [key, entry] of Object.entries(value)) {
        if (entry === undefined) continue;
        text += `${before}${JSON.stringify(key)}:`;
        yield* write(entry);
        before = ",";
      }
      text += before === "{" ? "{}" : "}";
    } else text += JSON.stringify(value) ?? "null";
  }

  yield* write(data);
  pieces.push(Buffer.from(text));
  return Buffer.concat(pieces);
}
