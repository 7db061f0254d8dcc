import { expect, test } from "vitest";
import type { Call, CommandResult, CommandSource } from "./call.ts";
import { Gate } from "./gate.ts";

const done: CommandResult = { status: "done", state: {} };
const call = (source: CommandSource, id: string): Call => ({
  caller: { source, user: "ada", role: "operator", origin: "test", id },
  kind: "target",
  name: "t1",
  feature: "power",
  args: { state: "on" },
});
/** A gate whose journal knows no result of what runs, as it is until a command has ended. */
const gate = (): Gate => new Gate({ find: () => undefined } as never, {} as never, {} as never, () => 1);

test.each(["api", "mqtt"] as const)(
  "a command over %s that runs is remembered, however many come and end behind it",
  async (source) => {
    const guard = gate();
    let end: (result: CommandResult) => void = () => undefined;
    const long = call(source, "long");
    guard.started(
      long,
      new Promise((resolve) => {
        end = resolve;
      }),
    );
    for (let n = 0; n < 3000; n += 1) {
      guard.started(call(source, `short ${n}`), Promise.resolve(done));
      await Promise.resolve();
    }
    const again = guard.repeated(long, () => undefined);
    expect(again).toBeDefined();
    expect(guard.knows(long.caller)).toBe(true);
    // Of those that have ended, the oldest are the journal's.
    expect(guard.knows(call(source, "short 0").caller)).toBe(false);
    expect(guard.knows(call(source, "short 2999").caller)).toBe(true);
    end(done);
    expect(await again).toBe(done);
  },
);

test("more commands than are remembered may run: none of them is forgotten, and their room is given back when they have ended", async () => {
  const guard = gate();
  const running: ((result: CommandResult) => void)[] = [];
  const calls = Array.from({ length: 1500 }, (_, n) => call(n % 2 === 0 ? "api" : "mqtt", `run ${n}`));
  for (const one of calls) guard.started(one, new Promise((resolve) => running.push(resolve)));
  expect(calls.every((one) => guard.knows(one.caller))).toBe(true);
  for (const end of running) end(done);
  await new Promise((resolve) => setImmediate(resolve));
  for (let n = 0; n < 1500; n += 1) {
    guard.started(call("api", `later ${n}`), Promise.resolve(done));
    await Promise.resolve();
  }
  expect(calls.filter((one) => guard.knows(one.caller))).toEqual([]);
});
