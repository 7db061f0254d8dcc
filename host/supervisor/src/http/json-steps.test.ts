import Fastify from "fastify";
import { expect, test } from "vitest";
import type { Dispatcher } from "../calls/dispatch.ts";
import { atOnce } from "../steps.ts";
import type { App } from "./app.ts";
import { bindCalls } from "./bind.ts";
import { jsonSteps } from "./json-steps.ts";

/** Turns of the event loop while something is done. */
async function turnsIn<T>(work: () => Promise<T>): Promise<{ turns: number; value: T }> {
  let turns = 0;
  let next: NodeJS.Immediate;
  const count = (): void => {
    turns += 1;
    next = setImmediate(count);
  };
  next = setImmediate(count);
  const value = await work();
  clearImmediate(next);
  return { turns, value };
}

test("JSON that is written in steps is what JSON.stringify writes", () => {
  const items = Array.from({ length: 999 }, (_, n) => ({
    n,
    text: `"${n}"\n\u00b5`,
    none: undefined,
    list: [n, null],
  }));
  for (const value of [
    {
      empty: {},
      none: [],
      nothing: undefined,
      bad: Number.NaN,
      deep: { a: [{ items }, [undefined, true]] },
      last: "x",
    },
    items,
    items.slice(0, 8),
    [],
    {},
    { only: undefined },
    null,
    "text",
    12.5,
  ]) {
    expect(atOnce(jsonSteps(value)).toString()).toBe(JSON.stringify(value));
  }
});

test("the answer to a stopped recording is written while the event loop turns", async () => {
  const current_a = Array.from({ length: 200_000 }, (_, n) => n / 1e6);
  const state = { id: "rec-1", trace: { current_a }, rails: [{ windows: current_a }] };
  const app = Fastify({ exposeHeadRoutes: false });
  const run: Dispatcher["run"] = async () => ({ status: "done", state });
  bindCalls(app as unknown as App, { serves: () => true, run } as unknown as Dispatcher);
  const { turns, value } = await turnsIn(() => app.inject({ method: "POST", url: "/api/v1/recordings/rec-1/stop" }));
  expect(value.headers["content-type"]).toBe("application/json; charset=utf-8");
  expect(value.payload === JSON.stringify(state)).toBe(true);
  expect(turns).toBeGreaterThan(30);
  await app.close();
});
