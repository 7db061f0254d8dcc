import { afterEach, expect, test } from "vitest";
import { type VirtualCommands, virtualCommands } from "./virtual-commands.ts";

let bay: VirtualCommands;
afterEach(() => bay.stop());

const ready = (): boolean =>
  bay.board.link.lifecycle === "ready" && bay.commands.targets().every(({ power }) => power === "off");

test("a request that found its board lost runs under its key when it comes again; a message under its id does not", async () => {
  bay = await virtualCommands();
  const [byRequest, byMessage] = bay.targets as [string, string];
  const accepted: string[] = [];
  const send = (source: "api" | "mqtt", target: string) =>
    bay.ended(
      bay.commands.run(bay.caller("ada", { source, id: "k" }), "target", target, "power", { state: "on" }, () =>
        accepted.push(source),
      ),
    );
  const lost = { status: "failed", code: "board_lost" };
  bay.rack.cutLink();
  await bay.time.until(() => bay.board.link.lifecycle === "lost", 3000);
  for (let time = 0; time < 2; time += 1) {
    expect(await send("api", byRequest)).toMatchObject(lost);
    expect(await send("mqtt", byMessage)).toMatchObject(lost);
  }
  bay.rack.restoreLink();
  await bay.time.until(ready, 10_000);
  expect(await send("api", byRequest)).toMatchObject({ status: "done" });
  expect(await send("mqtt", byMessage)).toMatchObject(lost);
  // Once it has been accepted its answer stays.
  expect(await send("api", byRequest)).toMatchObject({ status: "done" });
  expect(bay.sent).toEqual(new Map([[1, [1]]]));
  expect([bay.rail(byRequest).switchOn, bay.rail(byMessage).switchOn]).toEqual([true, false]);
  expect(accepted).toEqual(["api", "api"]);
});

test("a message that was refused is refused again after a restart, a request is judged anew", async () => {
  bay = await virtualCommands();
  const [target] = bay.targets as [string];
  const send = (source: "api" | "mqtt") => bay.ended(bay.power(target, { state: "on" }, "ada", { source, id: "k" }));
  const request = { targets: [target], holder: "bob", user: "bob", ttl_ms: 60_000, priority: 0, hold: false };
  const signal = new AbortController().signal;
  const lease = await bay.state.leases.acquire(bay.caller("bob"), { ...request, experiment: false }, 0, signal);
  if ("status" in lease) throw new Error(lease.message);
  const leased = { status: "refused", code: "leased" };
  expect([await send("mqtt"), await send("api")]).toMatchObject([leased, leased]);
  await bay.ended(bay.state.leases.release(bay.caller("bob"), lease.id));
  bay.reopen();
  expect(await send("mqtt")).toMatchObject(leased);
  expect(bay.sent.size).toBe(0);
  expect(await send("api")).toMatchObject({ status: "done" });
});
