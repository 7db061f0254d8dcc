import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import mqtt from "mqtt";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Broker, startBroker } from "../src/mqtt/broker.ts";
import { startTestBay, type TestBay } from "./bay.ts";
import { certificate, NO_OPENSSL } from "./certificate.ts";

const folder = mkdtempSync(join(tmpdir(), "mltb-tls-"));
const users = [{ name: "supervisor", password: "s", publish: ["#"] }];
let tls: { cert: Buffer; key: Buffer } | undefined;
let broker: Broker;

beforeAll(async () => {
  tls = certificate(folder);
  if (tls !== undefined) broker = await startBroker({ host: "127.0.0.1", port: 0, named: true, users, tls });
});
afterAll(async () => {
  await broker?.close();
  rmSync(folder, { recursive: true });
});

test("the embedded broker speaks TLS on its address: a client that does not trust its certificate, or speaks none, gets nothing", async ({
  skip,
}) => {
  if (tls === undefined) return skip(NO_OPENSSL);
  const attempt = (url: string, more: object) =>
    new Promise<string>((resolve) => {
      const client = mqtt.connect(url, {
        protocolVersion: 4,
        reconnectPeriod: 0,
        username: "supervisor",
        password: "s",
        connectTimeout: 3000,
        ...more,
      });
      client.once("connect", () => {
        resolve("connected");
        client.end(true);
      });
      client.once("error", (error) => resolve(error.message));
      client.once("close", () => resolve("closed"));
    });
  expect(await attempt(`mqtts://127.0.0.1:${broker.port}`, { ca: tls.cert })).toBe("connected");
  expect(await attempt(`mqtts://127.0.0.1:${broker.port}`, {})).not.toBe("connected");
  expect(await attempt(`mqtt://127.0.0.1:${broker.port}`, {})).not.toBe("connected");
  expect(await attempt(broker.local, {})).toBe("connected");
});

test("a supervisor uses an external broker over TLS when it trusts its certificate, and refuses it when not", async ({
  skip,
}) => {
  if (tls === undefined) return skip(NO_OPENSSL);
  const external = { broker: `mqtts://127.0.0.1:${broker.port}`, user: "supervisor", password: "s" };
  await expect(startTestBay({ options: { mqtt: external } })).rejects.toMatchObject({ code: "broker_unreachable" });
  const bay: TestBay = await startTestBay({
    options: { mqtt: { ...external, ca: tls.cert } },
    login: { user: "supervisor", password: "s", ca: tls.cert },
  });
  expect(bay.client.connected).toBe(true);
  await bay.stop();
});
