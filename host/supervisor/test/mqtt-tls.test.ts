import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import mqtt from "mqtt";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Broker, startBroker } from "../src/mqtt/broker.ts";
import { startTestBay, type TestBay } from "./bay.ts";

const folder = mkdtempSync(join(tmpdir(), "mltb-tls-"));
const users = [{ name: "supervisor", password: "s", publish: ["#"] }];
let openssl = true;
let tls: { cert: Buffer; key: Buffer };
let broker: Broker;

beforeAll(async () => {
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"];
  try {
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
    execFileSync("openssl", ["req", "-x509", "-nodes", ...curve, "-keyout", key, "-out", cert, ...subject], {
      stdio: "ignore",
    });
  } catch {
    openssl = false;
    return;
  }
  tls = { cert: readFileSync(cert), key: readFileSync(key) };
  broker = await startBroker({ host: "127.0.0.1", port: 0, named: true, users, tls });
});
afterAll(async () => {
  await broker?.close();
  rmSync(folder, { recursive: true });
});

test("the embedded broker speaks TLS on its address: a client that does not trust its certificate, or speaks none, gets nothing", async ({
  skip,
}) => {
  if (!openssl) skip("openssl is not installed: there is no certificate to test with");
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
  if (!openssl) skip("openssl is not installed: there is no certificate to test with");
  const external = { broker: `mqtts://127.0.0.1:${broker.port}`, user: "supervisor", password: "s" };
  await expect(startTestBay({ options: { mqtt: external } })).rejects.toMatchObject({ code: "broker_unreachable" });
  const bay: TestBay = await startTestBay({
    options: { mqtt: { ...external, ca: tls.cert } },
    login: { user: "supervisor", password: "s", ca: tls.cert },
  });
  expect(bay.client.connected).toBe(true);
  await bay.stop();
});
