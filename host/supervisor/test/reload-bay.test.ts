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
  expect((await power("off")).status).toBe(200);
  await until(() => boot() === "off");
  expect((await power("on")).status).toBe(200);
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
