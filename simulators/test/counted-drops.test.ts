import { type Message, PowerAction } from "@mltb/protocol";
import { expect, test } from "vitest";
import { openBench } from "./bench.ts";
import { luaBoard } from "./rungs.ts";
import { power } from "./scenarios/scenario.ts";

async function drops(bench: Awaited<ReturnType<typeof openBench>>): Promise<Message<"drops_answer">> {
  const outcome = await bench.request("drops_get", {});
  if (outcome.kind !== "answer") throw new Error(`drops_get: ${outcome.kind}`);
  return outcome.body;
}

test("trip-queue-overflow on the Lua board: what finds no room is counted", async () => {
  const bench = await openBench(await luaBoard());
  expect(await drops(bench)).toMatchObject({ trips_lost: 0 });
  // All in one moment, between two calls of the firmware; the queue holds sixteen.
  for (let n = 0; n < 20; n += 1) bench.electronics.monitors[0]?.onAlert?.(bench.electronics.now_us());
  await bench.run(300);
  expect(await drops(bench)).toMatchObject({ trips_lost: 4 });
  await bench.stop();
});

test("marker-queue-overflow on the Lua board: edges beyond sixty-four in one moment are counted", async () => {
  const bench = await openBench(await luaBoard());
  expect(await power(bench, PowerAction.on)).toMatchObject({ kind: "answer" });
  for (let n = 0; n < 70; n += 1) bench.electronics.marker(1, n % 2 === 0 ? 1 : 0, bench.electronics.now_us());
  await bench.run(500);
  expect(await drops(bench)).toMatchObject({ edges_lost: 6 });
  await bench.stop();
});

test("link-overrun on the Lua board: bytes beyond the link's buffer are counted, and the session goes on", async () => {
  const rung = await luaBoard();
  const bench = await openBench(rung);
  const room = rung.rack.transport.room();
  bench.write(Buffer.alloc(room + 1234, 0x55));
  await bench.run(1);
  bench.write(Buffer.from([0]));
  await bench.run(50);
  expect(await drops(bench)).toMatchObject({ link_overruns: 1234 });
  await bench.stop();
});
