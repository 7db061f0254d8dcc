import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestBay, type TestBay, until } from "./bay.ts";

let bay: TestBay;
beforeAll(async () => {
  bay = await startTestBay();
});
afterAll(() => bay.stop());

/** The bay file with another rule for its rack. */
function changed() {
  const next = structuredClone(bay.bay);
  for (const rack of next.racks) rack.stagger_ms += 1;
  return next;
}

const newest = (topic: string): string | undefined =>
  bay.messages.filter((message) => message.topic === topic).at(-1)?.payload;
const boot = (): string | undefined => JSON.parse(newest("target/local-cpu/state/boot") ?? "{}").state;
const power = (state: string) => bay.api("PUT", "/api/v1/targets/local-cpu/power", { state });

test("a target that is on is not told to be off when the supervisor starts again or reloads its file, nor to boot", async () => {
  await until(() => boot() === "off");
  expect((await power("on")).status).toBe(200);
  await until(() => boot() === "ready");
  await bay.supervisor.reload(changed());
  await until(() => boot() === "unknown");
  await bay.supervisor.ready();
  expect(await power("off")).toMatchObject({ status: 200 });
  await until(() => boot() === "off");
  expect(await power("on")).toMatchObject({ status: 200 });
  await until(() => boot() === "ready");
  bay.messages.length = 0;
  await bay.restart();
  await until(() => boot() !== undefined);
  await new Promise((resolve) => setTimeout(resolve, 500));
  const told = bay.messages.filter(({ topic }) => topic === "target/local-cpu/state/boot");
  expect(told.map(({ payload }) => JSON.parse(payload).state)).toEqual(told.map(() => "unknown"));
  expect((await power("off")).status).toBe(200);
  await until(() => boot() === "off");
});

test("a reload stands in the audit log with the racks that it touched, and a refused one with its reason", async () => {
  const newestLine = async () =>
    (await bay.api("GET", "/api/v1/log")).json.lines.find(({ action }: { action: string }) => action === "reload");
  await bay.supervisor.reload(changed());
  expect(await newestLine()).toMatchObject({
    ...{ user: "supervisor", source: "policy", origin: "bay file", action: "reload", status: "done" },
    args: { added: [], changed: ["rack1"], removed: [] },
  });
  await bay.supervisor.ready();
  const lease = await bay.api("POST", "/api/v1/leases", { targets: ["spare-3"], ttl_s: 60 });
  await expect(bay.supervisor.reload(changed())).rejects.toMatchObject({ code: "busy" });
  expect(await newestLine()).toMatchObject({
    ...{ action: "reload", status: "refused", code: "busy" },
    message: expect.stringContaining("spare-3 of rack rack1 is leased"),
  });
  await bay.api("DELETE", `/api/v1/leases/${lease.json.id}`);
});

test("of a rack, board and targets that the bay file no longer has nothing stays on the broker", async () => {
  await until(() => newest("rack/rack1/state/panel") !== undefined);
  const next = structuredClone(bay.bay);
  const [rack] = next.racks;
  if (rack === undefined) throw new Error("the demo bay has no rack");
  rack.rack = "rack2";
  rack.board.name = "other-monitor";
  rack.targets = rack.targets.filter(({ target }) => target !== "spare-8");
  await bay.supervisor.reload(next);
  await bay.supervisor.ready();
  const late = new Set<string>();
  bay.client.on("message", (topic, _payload, { retain }) => {
    if (retain) late.add(topic.slice("mltb/v1/demo/".length));
  });
  await bay.client.subscribeAsync("mltb/v1/demo/+/+/state/#", { qos: 1 });
  await until(() => late.has("board/other-monitor/state/lifecycle"));
  await new Promise((resolve) => setTimeout(resolve, 200));
  const gone = (topic: string): boolean => /^(rack\/rack1|board\/rack1-monitor|target\/spare-8)\//.test(topic);
  expect([...late].filter(gone)).toEqual([]);
  expect([...late].filter((topic) => topic.startsWith("target/spare-7/")).length).toBeGreaterThan(5);
});
