import { expect, test } from "vitest";
import { pair, uniform } from "./pair.ts";

test("a request is answered, bytes of every value intact", () => {
  const p = pair();
  p.step(20);
  const all = Array.from({ length: 230 }, (_, i) => String.fromCharCode((i * 7) % 256)).join("");
  const result = p.echo(all);
  p.step(20);
  expect(result.outcome).toEqual({ kind: "answer", name: "echo_answer", body: { data: all } });
});

for (const seed of [1, 2, 3, 4]) {
  test(`with a tenth of the writes dropped, doubled or damaged every request runs once and in order (seed ${seed})`, () => {
    const next = uniform(seed);
    let noisy = false;
    const p = pair((bytes) => {
      const dice = noisy ? next() : 1;
      if (dice < 0.04) return [];
      if (dice < 0.07) return [bytes, bytes];
      if (dice < 0.1) return [`${bytes.slice(0, 3)}~${bytes.slice(4)}`];
      return [bytes];
    });
    p.step(20);
    noisy = true;
    const results = Array.from({ length: 60 }, (_, i) => p.echo(`request ${i}`));
    p.step(8000);
    const answered = results.filter((result) => result.outcome?.kind === "answer").length;
    expect(new Set(p.runs).size).toBe(p.runs.length);
    expect(p.runs).toEqual([...p.runs].sort((a, b) => Number(a.slice(8)) - Number(b.slice(8))));
    expect(answered).toBeGreaterThan(p.lost.length > 0 ? 0 : 59);
    expect(results.every((result) => result.outcome !== undefined)).toBe(true);
  });
}

test("board-restart-mid-request: the outcome is unknown and nothing is sent again", () => {
  const p = pair();
  p.step(20);
  const result = p.echo("silent");
  p.step(10);
  p.restartBoard();
  p.step(3000);
  expect(result.outcome).toEqual({ kind: "unknown" });
  expect(p.runs).toEqual(["silent"]);
  expect(p.welcomes).toEqual([false, true]);
});

test.each([300, 500, 700])(
  "a host that gets no time for %i ms, at any moment of a request, keeps its session and gets the answer",
  (hold_ms) => {
    const p = pair();
    // Fast round trips: the time-outs are the shortest there are.
    for (let i = 0; i < 50; i += 1) {
      p.echo(`before ${i}`);
      p.step(20);
    }
    for (let moment_ms = 0; moment_ms < 12; moment_ms += 1) {
      const result = p.echo(`later ${moment_ms}`);
      p.step(moment_ms);
      p.holdHost(10);
      p.answer(`later ${moment_ms}`);
      p.holdHost(hold_ms - 10);
      p.step(100);
      expect(result.outcome).toMatchObject({ kind: "answer" });
    }
    expect(p.lost).toEqual([]);
  },
);

test("a board that falls silent is lost within a second and a request fails, another session opens when it is back", () => {
  let cut = false;
  const p = pair((bytes) => (cut ? [] : [bytes]));
  p.step(20);
  cut = true;
  const result = p.echo("into the void");
  p.step(1100);
  expect(p.lost.length).toBe(1);
  expect(result.outcome).toEqual({ kind: "unknown" });
  cut = false;
  p.step(400);
  expect(p.host.port.open).toBe(true);
  expect(p.runs).toEqual([]);
});
