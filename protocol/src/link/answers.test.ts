import fc from "fast-check";
import { expect, test } from "vitest";
import { ANSWERS_KEPT, REQUESTS_RUN } from "../limits.ts";
import { answeredWith, answers, began, findAnswer, forget } from "./answers.ts";

/** The same rules over a plain list, oldest first. */
interface Entry {
  tag: number;
  body: string;
  answer: string | undefined;
}

const tag = fc.nat(25);
const step = fc.oneof(
  // Few tags, so that they come again while their entry is kept, but more than are kept.
  { weight: 40, arbitrary: fc.record({ kind: fc.constant("began"), tag, body: fc.constantFrom("a", "b") }) },
  { weight: 40, arbitrary: fc.record({ kind: fc.constant("answered"), tag, body: fc.constantFrom("x", "y") }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("host"), tag, body: fc.constant("") }) },
);

test("requests are remembered like in a list that forgets the same tag, else its oldest answered entry", () => {
  let answered = 0;
  let evicted = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 100, maxLength: 150 }), (steps) => {
      const memory = answers();
      let list: Entry[] = [];
      /** As many as ever had to be remembered at once. */
      let room = ANSWERS_KEPT;
      for (const { kind, tag, body } of steps) {
        const running = list.filter((entry) => entry.answer === undefined).length;
        if (kind === "host") {
          forget(memory);
          list = [];
          room = ANSWERS_KEPT;
        } else if (kind === "answered") {
          const found = list.find((entry) => entry.tag === tag && entry.answer === undefined);
          expect(answeredWith(memory, tag, 7, body)).toBe(found !== undefined);
          if (found !== undefined) found.answer = body;
        } else if (kind === "began" && running < REQUESTS_RUN) {
          began(memory, tag, 1, body);
          const same = list.findIndex((entry) => entry.tag === tag);
          if (same >= 0) list.splice(same, 1);
          else if (running === room) room += 1;
          else if (list.length === room) {
            evicted += 1;
            list.splice(
              list.findIndex((entry) => entry.answer !== undefined),
              1,
            );
          }
          list.push({ tag, body, answer: undefined });
        }
        expect(memory.left).toBe(REQUESTS_RUN - list.filter((entry) => entry.answer === undefined).length);
        // Each kept request by tag and body, with its answer; nothing else is found.
        const found: string[] = [];
        for (let t = 0; t < 26; t += 1) {
          for (const wanted of ["a", "b"]) {
            const entry = findAnswer(memory, t, 1, wanted);
            if (entry !== undefined) found.push(`${t}${wanted}${entry.answerId < 0 ? "" : entry.answer}`);
            if (findAnswer(memory, t, 2, wanted) !== undefined) found.push("of another id");
          }
        }
        const kept = [...list].sort((a, b) => a.tag - b.tag);
        expect(found).toEqual(kept.map((entry) => `${entry.tag}${entry.body}${entry.answer ?? ""}`));
        answered += kept.filter((entry) => entry.answer !== undefined).length;
      }
    }),
    { seed: 31, numRuns: process.env["MLTB_LONG"] === "1" ? 20_000 : 100 },
  );
  expect(Math.min(answered, evicted)).toBeGreaterThan(100);
  // The long form takes about a minute.
}, 600_000);
