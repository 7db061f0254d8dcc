import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { afterAll, afterEach, expect, test } from "vitest";
import { addToken } from "../src/auth/tokens.ts";
import { startTestBay, type TestBay } from "./bay.ts";
import { certificate, NO_OPENSSL } from "./certificate.ts";
import { type BoardClient, boardClient, type Ended } from "./grpc-client.ts";

const folder = mkdtempSync(join(tmpdir(), "mltb-grpc-"));
let bay: TestBay | undefined;
const clients: BoardClient[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await bay?.stop();
  bay = undefined;
});
afterAll(() => rmSync(folder, { recursive: true }));

function connect(of: TestBay, ca?: Buffer): BoardClient {
  const client = boardClient(of.supervisor.grpc, of.supervisor.tokenFile, ca);
  clients.push(client);
  return client;
}

const codes = (ended: Ended[]): (string | undefined)[] => ended.map((one) => ("code" in one ? one.code : undefined));

test("gRPC: more calls in a second than a login or a stranger may make are refused, and nobody else's", async () => {
  bay = await startTestBay({ options: { rates: { login: 10, stranger: 3 } } });
  const client = connect(bay);
  const many = (count: number, token?: string) =>
    Promise.all(Array.from({ length: count }, () => client.call("ListTargets", {}, token)));
  const strangers = codes(await many(20, "guessed"));
  expect(new Set(strangers)).toEqual(new Set(["unauthorized", "rate-limited"]));
  expect(await client.call("ListTargets", {})).toHaveProperty("answer");
  const own = await many(60);
  expect(new Set(codes(own))).toEqual(new Set([undefined, "rate-limited"]));
  expect(own.find((one) => "status" in one)).toMatchObject({ status: grpc.status.RESOURCE_EXHAUSTED });
  await new Promise((resolve) => setTimeout(resolve, 1100));
  expect(await client.call("ListTargets", {})).toHaveProperty("answer");
});

test("gRPC speaks TLS where HTTP does: who does not trust the certificate, or speaks none, gets nothing", async ({
  skip,
}) => {
  const tls = certificate(folder);
  if (tls === undefined) return skip(NO_OPENSSL);
  bay = await startTestBay({ options: { tls }, login: { ca: tls.cert } });
  expect(bay.supervisor.http).toMatch(/^https:/);
  const trusting = connect(bay, tls.cert);
  expect(await trusting.call("SetPower", { target: "spare-3", state: "on" })).toHaveProperty("answer.power", "on");
  expect(bay.rail(3).switchOn).toBe(true);
  expect(await trusting.call("ListTargets", {}, "")).toMatchObject({ status: grpc.status.UNAUTHENTICATED });
  const plain = await connect(bay).call("SetPower", { target: "spare-3", state: "off" });
  expect(plain).toMatchObject({ status: grpc.status.UNAVAILABLE });
  expect(bay.rail(3).switchOn).toBe(true);
  const other = mkdtempSync(join(folder, "other-"));
  const foreign = await connect(bay, certificate(other)?.cert).call("SetPower", { target: "spare-3", state: "off" });
  expect(foreign).toMatchObject({ status: grpc.status.UNAVAILABLE });
  expect(bay.rail(3).switchOn).toBe(true);
});

test("gRPC: an admin's override in the metadata commands a leased target and is recorded; an operator's is refused", async () => {
  bay = await startTestBay();
  const client = connect(bay);
  const { json } = await bay.api("POST", "/api/v1/leases", { targets: ["spare-3"], ttl_s: 60, holder: "ada" });
  const on = { target: "spare-3", state: "on" };
  expect(await client.call("SetPower", on)).toMatchObject({ code: "leased" });
  const olga = addToken(dirname(bay.supervisor.tokenFile), "olga", "operator");
  await new Promise((resolve) => setTimeout(resolve, 300));
  const override = { "mltb-override": "smoke" };
  expect(await client.call("SetPower", on, olga, override)).toMatchObject({ code: "forbidden" });
  expect(bay.rail(3).switchOn).toBe(false);
  expect(await client.call("SetPower", on, undefined, override)).toHaveProperty("answer.power", "on");
  const { lines } = (await bay.api("GET", "/api/v1/log?target=spare-3&limit=1")).json;
  expect(lines[0]).toMatchObject({ action: "power (override)", args: { override: "smoke" }, lease: json.id });
});

test("gRPC: an idempotency key counts whole, however long: two commands that differ at its end are two", async () => {
  bay = await startTestBay();
  const client = connect(bay);
  const on = (target: string, end: string) =>
    client.call("SetPower", { target, state: "on", idempotency_key: `${"k".repeat(600)}${end}` });
  expect(await on("spare-3", "1")).toHaveProperty("answer.power", "on");
  await client.call("SetPower", { target: "spare-3", state: "off" });
  expect(await on("spare-3", "2")).toHaveProperty("answer.power", "on");
  expect(bay.rail(3).switchOn).toBe(true);
  await client.call("SetPower", { target: "spare-3", state: "off" });
  expect(await on("spare-3", "2")).toHaveProperty("answer.power", "on");
  expect(bay.rail(3).switchOn).toBe(false);
  expect(await on("spare-4", "2")).toMatchObject({ code: "key-reused" });
  expect(bay.rail(4).switchOn).toBe(false);
});
