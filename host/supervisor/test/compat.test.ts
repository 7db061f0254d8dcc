import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { addToken, startSupervisor } from "../src/index.ts";
import { startTestBay, type TestBay } from "./bay.ts";

let bay: TestBay;
let pdudaemon: string;

beforeAll(async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  pdudaemon = `http://127.0.0.1:${port}`;
  bay = await startTestBay({ options: { compat: true, compatPdudaemon: { host: "127.0.0.1", port, named: true } } });
});
afterAll(() => bay.stop());

const token = (): string => readFileSync(bay.supervisor.tokenFile, "utf8").trim();
const basic = (value: string): string => `Basic ${Buffer.from(`anybody:${value}`).toString("base64")}`;

async function ask(method: string, path: string, body?: string, headers: Record<string, string> = {}) {
  const response = await fetch(path.startsWith("http") ? path : `${bay.supervisor.http}${path}`, {
    method,
    headers: { authorization: basic(token()), ...headers },
    ...(body === undefined ? {} : { body: Buffer.from(body) }),
  });
  return { status: response.status, text: await response.text(), headers: response.headers };
}

test("pdudaemon's verbs answer after the proof, and with the true status where it says 200", async () => {
  const on = await ask("GET", "/power/control/on?hostname=rack1&port=3");
  expect([on.status, on.text, bay.rail(3).switchOn]).toEqual([200, "OK - accepted request\n", true]);
  const cycle = await ask("GET", "/power/control/reboot?hostname=rack1&port=3&delay=0.05");
  expect([cycle.status, bay.rail(3).switchOn]).toEqual([200, true]);
  expect((await ask("GET", "/power/control/off?alias=spare-3")).status).toBe(200);
  expect(bay.rail(3).switchOn).toBe(false);
  for (const [path, status] of [
    ["/power/control/on?hostname=rack9&port=3", 404],
    ["/power/control/on?hostname=rack1&port=9999", 404],
    ["/power/control/on?hostname=rack1&port=abc", 404],
    ["/power/control/on?hostname=rack1", 422],
    ...["soon", "0x1", "1e1", "-1", "61"].map(
      (delay) => [`/power/control/reboot?hostname=rack1&port=3&delay=${delay}`, 422] as const,
    ),
    ["/power/control/status?hostname=rack1&port=3", 404],
  ] as const) {
    expect([path, (await ask("GET", path)).status]).toEqual([path, status]);
  }
  expect(bay.rail(3).switchOn).toBe(false);
});

test("confirms-failures: a channel whose rail stays up gives no 200 for off", async () => {
  expect((await ask("GET", "/power/control/on?hostname=rack1&port=4")).status).toBe(200);
  bay.rail(4).fault = "stuck-on";
  const off = await ask("GET", "/power/control/off?hostname=rack1&port=4");
  expect(off.status).toBeGreaterThanOrEqual(500);
  // Nor is it told off to who asks afterwards: the rail stays up.
  expect((await ask("GET", "/compat/labgrid/spare-4/power")).status).toBe(502);
  expect(JSON.parse((await ask("GET", "/redfish/v1/Systems/spare-4")).text)).toMatchObject({
    PowerState: null,
    Status: { Health: "Critical" },
  });
  bay.rail(4).fault = "none";
  expect((await bay.api("POST", "/api/v1/targets/spare-4/faults/off-unproved/rearm")).status).toBe(200);
  await vi.waitFor(async () => expect((await ask("GET", "/compat/labgrid/spare-4/power")).text).toBe("0"), 3000);
});

test("a channel whose fault has opened the switch is off for them as soon as its rail is measured down", async () => {
  expect((await ask("PUT", "/compat/labgrid/spare-4/power", "1")).status).toBe(200);
  bay.rail(4).fault = "short";
  const fault = async () => (await bay.api("GET", "/api/v1/targets/spare-4")).json.power;
  await vi.waitFor(async () => expect(await fault()).toBe("fault"), 3000);
  bay.rail(4).fault = "none";
  await vi.waitFor(async () => expect((await ask("GET", "/compat/labgrid/spare-4/power")).text).toBe("0"), 3000);
  expect(JSON.parse((await ask("GET", "/redfish/v1/Systems/spare-4")).text).PowerState).toBe("Off");
  await bay.api("POST", "/api/v1/targets/spare-4/faults/hard-over-current/rearm");
});

test("without login only on the listener of its own, which takes nothing else", async () => {
  expect((await fetch(`${bay.supervisor.http}/power/control/on?hostname=rack1&port=5`)).status).toBe(401);
  const open = await fetch(`${pdudaemon}/power/control/on?hostname=rack1&port=5`);
  expect([open.status, await open.text(), bay.rail(5).switchOn]).toEqual([200, "OK - accepted request\n", true]);
  for (const [method, path] of [
    ["GET", "/api/v1/targets"],
    ["POST", "/power/control/off?hostname=rack1&port=5"],
    ["GET", "/power/control/status?hostname=rack1&port=5"],
  ] as const) {
    expect([path, (await fetch(`${pdudaemon}${path}`, { method })).status]).toEqual([path, 404]);
  }
  const page = await fetch(`${pdudaemon}/power/control/off?hostname=rack1&port=5`, {
    headers: { origin: "http://evil.example" },
  });
  expect([page.status, bay.rail(5).switchOn]).toEqual([403, true]);
  const elsewhere = startSupervisor({ compatPdudaemon: { host: "0.0.0.0", port: 0, named: true } } as never);
  await expect(elsewhere).rejects.toMatchObject({ code: "insecure_listener" });
});

test("labgrid's rest back end: text exactly 0 or 1, by rack and channel and by name", async () => {
  expect((await ask("PUT", "/compat/labgrid/rack1/6/power", "1")).status).toBe(200);
  expect(bay.rail(6).switchOn).toBe(true);
  expect((await ask("GET", "/compat/labgrid/rack1/6/power")).text).toBe("1");
  expect((await ask("PUT", "/compat/labgrid/spare-6/power", "0")).text).toBe("0");
  expect((await ask("GET", "/compat/labgrid/spare-6/power")).text).toBe("0");
  expect((await ask("PUT", "/compat/labgrid/spare-6/power", "on")).status).toBe(422);
  expect((await ask("GET", "/compat/labgrid/rack1/9/power")).status).toBe(404);
});

test("hung-board-reads-off: a state that nobody knows is an error, never 0", async () => {
  const write = bay.rack.transport.write;
  bay.rack.transport.write = () => undefined;
  const started = Date.now();
  let last = { status: 200, text: "0" };
  while (last.status === 200 && Date.now() - started < 8000) last = await ask("GET", "/compat/labgrid/spare-6/power");
  bay.rack.transport.write = write;
  expect(last.status).toBe(503);
  await bay.supervisor.ready(10_000);
});

test("roles hold on these faces too", async () => {
  const viewer = addToken(bay.state, "eve", "viewer");
  await new Promise((resolve) => setTimeout(resolve, 300));
  const as = { authorization: basic(viewer) };
  expect((await ask("GET", "/compat/labgrid/spare-7/power", undefined, as)).status).toBe(200);
  expect((await ask("PUT", "/compat/labgrid/spare-7/power", "1", as)).status).toBe(403);
  expect((await ask("GET", "/power/control/on?hostname=rack1&port=7", undefined, as)).status).toBe(403);
  expect(bay.rail(7).switchOn).toBe(false);
});

test("Redfish: root without login, session, system, reset types", async () => {
  const root = await fetch(`${bay.supervisor.http}/redfish/v1/`);
  expect(await root.json()).toMatchObject({ Systems: { "@odata.id": "/redfish/v1/Systems" } });
  expect((await fetch(`${bay.supervisor.http}/redfish/v1/Systems`)).status).toBe(401);
  const login = JSON.stringify({ UserName: "x", Password: token() });
  const session = await ask("POST", "/redfish/v1/SessionService/Sessions", login, { authorization: "" });
  expect(session.status).toBe(201);
  const key = { "x-auth-token": session.headers.get("x-auth-token") ?? "", authorization: "" };
  const reset = (target: string, type: string) =>
    ask("POST", `/redfish/v1/Systems/${target}/Actions/ComputerSystem.Reset`, JSON.stringify({ ResetType: type }), key);
  expect((await reset("spare-8", "On")).status).toBe(204);
  expect(bay.rail(8).switchOn).toBe(true);
  expect(JSON.parse((await ask("GET", "/redfish/v1/Systems/spare-8", undefined, key)).text).PowerState).toBe("On");
  expect((await reset("spare-8", "ForceRestart")).status).toBe(204);
  expect((await reset("spare-8", "Nmi")).status).toBe(400);
  expect((await reset("spare-88", "On")).status).toBe(404);
  expect((await reset("spare-8", "ForceOff")).status).toBe(204);
  expect(bay.rail(8).switchOn).toBe(false);
  const wrong = JSON.stringify({ UserName: "x", Password: "wrong" });
  expect((await ask("POST", "/redfish/v1/SessionService/Sessions", wrong)).status).toBe(401);
  // Of other people's sessions nobody but an admin disposes.
  const folder = dirname(bay.supervisor.tokenFile);
  const others = ["ann", "bob"].map((name) => basic(addToken(folder, name, "viewer")));
  await vi.waitFor(async () => {
    const { status } = await ask("GET", "/redfish/v1/Systems", undefined, { authorization: others[1] as string });
    expect(status).toBe(200);
  }, 3000);
  const asAnn = { authorization: others[0] as string };
  expect((await ask("DELETE", session.headers.get("location") ?? "", undefined, asAnn)).status).toBe(404);
  expect((await ask("GET", "/redfish/v1/Systems/spare-8", undefined, key)).status).toBe(200);
  expect((await ask("DELETE", session.headers.get("location") ?? "", undefined, key)).status).toBe(204);
  expect((await ask("GET", "/redfish/v1/Systems/spare-8", undefined, key)).status).toBe(401);
});
