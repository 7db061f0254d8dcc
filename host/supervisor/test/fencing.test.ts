import { readFileSync } from "node:fs";
import { buildBundle } from "@mltb/firmware";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { startTestBay, type TestBay, until } from "./bay.ts";

const TARGET = "spare-3";
let bay: TestBay;
let lease: { id: string; fence: number };

beforeAll(async () => {
  bay = await startTestBay();
});
afterAll(() => bay.stop());
beforeEach(async () => {
  lease = (await bay.api("POST", "/api/v1/leases", { targets: [TARGET], ttl_s: 60 })).json;
  expect(lease.fence).toBeGreaterThan(0);
});
afterEach(() => bay.api("DELETE", `/api/v1/leases/${lease.id}`));

type Line = { action: string; target: string; fence: number | null; lease: string | null; status: string };
/** The newest line of the log with that action. */
const logged = async (action: string): Promise<Line> => {
  const { lines } = (await bay.api("GET", "/api/v1/log?limit=20")).json;
  return lines.find((line: Line) => line.action === action);
};
const held = () => ({ "mltb-lease": lease.id });
const power = (state: string, headers: Record<string, string> = {}) =>
  bay.api("PUT", `/api/v1/targets/${TARGET}/power`, { state }, headers);

test("a power command of a leased target stands in the log with the lease's fence, over HTTP and over MQTT", async () => {
  expect((await power("on", held())).status).toBe(200);
  expect(await logged("power")).toMatchObject({ fence: lease.fence, lease: lease.id, status: "done" });
  const command = { id: "fenced", lease: lease.id, args: { state: "off" } };
  const topic = `mltb/v1/demo/cmd/operator/target/${TARGET}/power`;
  await bay.client.publishAsync(topic, JSON.stringify(command), { qos: 1 });
  await until(() => bay.messages.find(({ topic, payload }) => topic.startsWith("ans/") && payload.includes('"done"')));
  expect(await logged("power")).toMatchObject({ source: "mqtt", fence: lease.fence, status: "done" });
});

test("an admin's override stands there with the fence that it went over; a refused command has none", async () => {
  expect((await power("on", { "mltb-override": "smoke" })).status).toBe(200);
  expect(await logged("power (override)")).toMatchObject({ fence: lease.fence, lease: lease.id });
  expect((await power("off")).json.code).toBe("leased");
  expect(await logged("power")).toMatchObject({ fence: null, status: "refused" });
});

test("the next lease's commands have a higher fence, and those of a free target none", async () => {
  const before = lease.fence;
  await bay.api("DELETE", `/api/v1/leases/${lease.id}`);
  expect((await power("on")).status).toBe(200);
  expect(await logged("power")).toMatchObject({ fence: null, lease: null });
  lease = (await bay.api("POST", "/api/v1/leases", { targets: [TARGET], ttl_s: 60 })).json;
  expect((await power("off", held())).status).toBe(200);
  expect((await logged("power")).fence).toBe(lease.fence);
  expect(lease.fence).toBeGreaterThan(before);
});

test("a recording of a leased target stands there with its fence", async () => {
  const { status, json } = await bay.api("POST", `/api/v1/targets/${TARGET}/recordings`, {}, held());
  expect(status).toBe(201);
  expect(await logged("recording")).toMatchObject({ target: TARGET, fence: lease.fence, lease: lease.id });
  await bay.api("DELETE", `/api/v1/recordings/${json.id}`);
});

test("an update of a board with a leased target stands there with its fence, also where it is refused", async () => {
  const update = async (more: object): Promise<number> => {
    const bundle = (await buildBundle("monitoring")).source;
    const token = readFileSync(bay.supervisor.tokenFile, "utf8").trim();
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/octet-stream", ...more };
    const url = `${bay.supervisor.http}/api/v1/boards/rack1-monitor/firmware`;
    return (await fetch(url, { method: "PUT", headers, body: Buffer.from(bundle, "latin1") })).status;
  };
  expect(await update({})).toBe(409);
  const refused = { status: "refused", code: "leased", fence: lease.fence };
  expect(await logged("firmware")).toMatchObject(refused);
  expect(await update(held())).toBe(200);
  expect(await logged("firmware")).toMatchObject({ target: "rack1-monitor", fence: lease.fence, status: "done" });
});
