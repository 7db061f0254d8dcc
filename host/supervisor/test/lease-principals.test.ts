import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { addToken } from "../src/index.ts";
import { startTestBay, type TestBay, until } from "./bay.ts";
import { type BoardClient, boardClient } from "./grpc-client.ts";

const TARGET = "spare-3";
const path = `/api/v1/targets/${TARGET}`;

let bay: TestBay;
let client: BoardClient;
const tokens: Record<string, string> = {};
beforeAll(async () => {
  bay = await startTestBay({ options: { compat: true } });
  client = boardClient(bay.supervisor.grpc, bay.supervisor.tokenFile);
  for (const [name, role] of [
    ["olga", "operator"],
    ["otto", "operator"],
    ["anna", "admin"],
  ] as const) {
    tokens[name] = addToken(bay.state, name, role);
  }
  tokens["admin"] = readFileSync(bay.supervisor.tokenFile, "utf8").trim();
  await until(async () => (await bay.api("GET", "/api/v1/leases", undefined, bearer("anna"))).status === 200);
});
afterAll(async () => {
  client.close();
  await bay.stop();
});

const bearer = (user: string) => ({ authorization: `Bearer ${tokens[user]}` });
const basic = (user: string) => ({
  authorization: `Basic ${Buffer.from(`any:${tokens[user]}`).toString("base64")}`,
});
const acquire = async (user: string): Promise<string> =>
  (await bay.api("POST", "/api/v1/leases", { targets: [TARGET], ttl_s: 60 }, bearer(user))).json.id;
const release = (id: string) => bay.api("DELETE", `/api/v1/leases/${id}`);

/** A command that names a lease, on each face; its refusal's code, or nothing. */
const faces: Record<string, (user: string, lease: string) => Promise<string | undefined>> = {
  HTTP: async (user, lease) =>
    (await bay.api("PUT", `${path}/power`, { state: "on" }, { ...bearer(user), "mltb-lease": lease })).json.code,
  gRPC: async (user, lease) => {
    const ended = await client.call("SetPower", { target: TARGET, state: "on", lease }, tokens[user]);
    return "code" in ended ? ended.code : undefined;
  },
  "labgrid's face": async (user, lease) => {
    const response = await fetch(`${bay.supervisor.http}/compat/labgrid/${TARGET}/power`, {
      method: "PUT",
      headers: { ...basic(user), "mltb-lease": lease },
      body: "1",
    });
    return response.ok ? undefined : ((await response.json()) as { code: string }).code;
  },
  "Redfish's face": async (user, lease) => {
    const response = await fetch(`${bay.supervisor.http}/redfish/v1/Systems/${TARGET}/Actions/ComputerSystem.Reset`, {
      method: "POST",
      headers: { ...basic(user), "mltb-lease": lease, "content-type": "application/json" },
      body: JSON.stringify({ ResetType: "On" }),
    });
    return response.ok ? undefined : response.status === 409 ? "leased" : String(response.status);
  },
  "pdudaemon's face": async (user, lease) => {
    const response = await fetch(`${bay.supervisor.http}/power/control/on?alias=${TARGET}`, {
      headers: { ...basic(user), "mltb-lease": lease },
    });
    return response.ok ? undefined : response.status === 409 ? "leased" : String(response.status);
  },
};

test.each(Object.keys(faces))(
  "%s: a lease that everybody can read is used by nobody but who has taken it",
  async (face) => {
    const command = faces[face] as (typeof faces)[string];
    const lease = await acquire("olga");
    expect((await bay.api("GET", path, undefined, bearer("otto"))).json.lease.id).toBe(lease);
    for (const user of ["otto", "anna", "admin"]) expect([user, await command(user, lease)]).toEqual([user, "leased"]);
    expect(bay.rail(3).switchOn).toBe(false);
    expect(await command("olga", lease)).toBeUndefined();
    expect(bay.rail(3).switchOn).toBe(true);
    await release(lease);
    expect(bay.rail(3).switchOn).toBe(false);
  },
);

async function mqtt(id: string, lease: string): Promise<string | undefined> {
  const topic = `mltb/v1/demo/cmd/operator/target/${TARGET}/power`;
  await bay.client.publishAsync(topic, JSON.stringify({ id, lease, args: { state: "on" } }), { qos: 1 });
  const answers = () =>
    bay.messages
      .filter((message) => message.topic === `ans/operator/target/${TARGET}/power`)
      .map((message) => JSON.parse(message.payload))
      .filter((answer) => answer.id === id && answer.status !== "accepted");
  return (await until(() => answers()[0])).code;
}

test("MQTT: the user of the bay's own password uses the leases of the bay's own token, and nobody else's", async () => {
  const olgas = await acquire("olga");
  expect(await mqtt("not-mine", olgas)).toBe("leased");
  expect(bay.rail(3).switchOn).toBe(false);
  await release(olgas);
  const own = await acquire("admin");
  expect(await mqtt("mine", own)).toBeUndefined();
  expect(bay.rail(3).switchOn).toBe(true);
  await release(own);
});

test("an admin's override names the lease or does not; it is recorded, and an operator has none", async () => {
  const lease = await acquire("olga");
  const override = { "mltb-override": "it smokes" };
  for (const named of [{}, { "mltb-lease": lease }] as Record<string, string>[]) {
    const send = (user: string) =>
      bay.api("PUT", `${path}/power`, { state: "on" }, { ...bearer(user), ...override, ...named });
    expect((await send("otto")).json.code).toBe("forbidden");
    expect((await send("anna")).status).toBe(200);
    const { lines } = (await bay.api("GET", `/api/v1/log?target=${TARGET}&limit=1`)).json;
    expect(lines[0]).toMatchObject({
      user: "anna",
      action: "power (override)",
      args: { override: "it smokes" },
      lease,
    });
  }
  await release(lease);
});

test("another's lease does not count on a target that is free either: the log would say that its holder did it", async () => {
  const lease = await acquire("olga");
  const send = (user: string) =>
    bay.api("PUT", "/api/v1/targets/spare-4/power", { state: "on" }, { ...bearer(user), "mltb-lease": lease });
  expect((await send("otto")).json).toMatchObject({ code: "leased", detail: expect.stringContaining("olga") });
  expect(bay.rail(4).switchOn).toBe(false);
  expect((await send("olga")).status).toBe(200);
  await release(lease);
});

test("a recording of a leased target takes its holder", async () => {
  const lease = await acquire("olga");
  const start = (user: string) => bay.api("POST", `${path}/recordings`, {}, { ...bearer(user), "mltb-lease": lease });
  expect((await start("otto")).json.code).toBe("leased");
  const begun = await start("olga");
  expect(begun.status).toBe(201);
  await bay.api("DELETE", `/api/v1/recordings/${begun.json.id}`);
  await release(lease);
});

test("after a restart a lease is still its holder's alone", async () => {
  const lease = await acquire("olga");
  await bay.restart();
  const command = faces["HTTP"] as (typeof faces)[string];
  expect(await command("otto", lease)).toBe("leased");
  expect(await command("olga", lease)).toBeUndefined();
  await release(lease);
});
