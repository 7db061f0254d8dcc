import { readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestBay, type TestBay } from "./bay.ts";

const runs = process.env["MLTB_LONG"] === "1" ? 5000 : 150;
const seed = 20261126;
const QUIET_MS = 2000;

let bay: TestBay;
let pdudaemon: number;
let web: number;

beforeAll(async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  ({ port: pdudaemon } = server.address() as { port: number });
  await new Promise((resolve) => server.close(resolve));
  const rates = { login: 100_000, stranger: 100_000 };
  bay = await startTestBay({
    options: { rates, compat: true, compatPdudaemon: { host: "127.0.0.1", port: pdudaemon, named: true } },
  });
  web = Number(new URL(bay.supervisor.http).port);
});
afterAll(() => bay.stop());

const pins = (): string => JSON.stringify(bay.rack.electronics.rails.map((rail) => rail.switchOn));
const basic = (): string => {
  const token = readFileSync(bay.supervisor.tokenFile, "utf8").trim();
  return `authorization: Basic ${Buffer.from(`any:${token}`).toString("base64")}`;
};

/** The status with which a port answers bytes as they are; 0 where it closes or says nothing. `last`: no more will come. */
function send(port: number, bytes: string | Uint8Array, last = false): Promise<number> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => (last ? socket.end(bytes) : socket.write(bytes)));
    let text = "";
    const end = (): void => {
      socket.destroy();
      resolve(Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0));
    };
    socket.setTimeout(QUIET_MS, end);
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      if (text.includes("\r\n")) end();
    });
    socket.on("error", end);
    socket.on("close", end);
  });
}

const request = (method: string, target: string, headers: string[], body = ""): Buffer => {
  const own = ["host: 127.0.0.1", "connection: close", `content-length: ${Buffer.byteLength(body)}`];
  return Buffer.from(`${method} ${target} HTTP/1.1\r\n${[...own, ...headers].join("\r\n")}\r\n\r\n${body}`);
};

/** Words that are neither a target nor a state, among them what an object has by itself. */
const word = fc.oneof(
  fc.constantFrom(
    ...["", "constructor", "__proto__", "toString", "../on", "%00", "%zz", "on/", "ON", "rack1", "-1", "3.0", "1e0"],
    ...["status", "x".repeat(3000), "%F0%9F%92%A9"],
  ),
  fc.webPath(),
  fc.string({ maxLength: 20 }).map(encodeURIComponent),
);
const pduQuery = fc
  .array(fc.tuple(fc.constantFrom("hostname", "port", "alias", "delay", "extra"), word), { maxLength: 5 })
  .map((pairs) => pairs.map(([key, value]) => `${key}=${value}`).join("&"));
const pduTarget = fc.oneof(
  fc.tuple(fc.constantFrom("on", "off", "reboot"), pduQuery).map(([verb, query]) => `/power/control/${verb}?${query}`),
  fc.tuple(word, pduQuery).map(([verb, query]) => `/power/control/${verb}?${query}`),
  fc.constantFrom("//", "///", "*", "http://[", "http://a:99999999/", "\\", "/?", "http:", "/power/control/on#x"),
  word.map((text) => `/${text}`),
);

test("hostile-pdudaemon: verbs and queries that mean nothing, on both listeners, are 4xx, and no pin moves", async () => {
  const before = pins();
  const statuses = new Set<number>();
  for (const [port, headers] of [
    [pdudaemon, []],
    [web, [basic()]],
  ] as [number, string[]][]) {
    await fc.assert(
      fc.asyncProperty(pduTarget, fc.constantFrom("GET", "POST", "PUT", "HEAD"), async (target, method) => {
        // A right one is not hostile, and neither is a page that has no verb in it.
        fc.pre(!/[?&](alias=(local|spare)|port=[1-8](&|$))/.test(target));
        const status = await send(port, request(method, target, headers));
        statuses.add(status);
        expect([target, method, status >= 400 && status < 500]).toEqual([target, method, true]);
      }),
      { numRuns: runs, seed },
    );
  }
  expect(statuses.has(404) && statuses.has(422)).toBe(true);
  expect(pins()).toBe(before);
  // It is still there, and does what it is for.
  expect(await send(pdudaemon, request("GET", "/power/control/on?hostname=rack1&port=8", []))).toBe(200);
  expect(await send(pdudaemon, request("GET", "/power/control/off?alias=spare-8", []))).toBe(200);
});

test("hostile-pdudaemon-page: an image or a link of another web page switches nothing", async () => {
  const before = pins();
  for (const site of ["cross-site", "same-site"]) {
    const headers = [`Sec-Fetch-Site: ${site}`, "Sec-Fetch-Mode: no-cors"];
    const line = request("GET", "/power/control/on?hostname=rack1&port=8", headers);
    expect(await send(pdudaemon, line)).toBe(403);
  }
  expect(pins()).toBe(before);
});

test("hostile-pdudaemon-bytes: what is no HTTP, or too much of it, is closed or refused, and no memory stays", async () => {
  const before = pins();
  globalThis.gc?.();
  const heap = process.memoryUsage().heapUsed;
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
      const status = await send(pdudaemon, Buffer.concat([bytes, Buffer.from("\r\n\r\n")]), true);
      expect(status === 0 || (status >= 400 && status < 500)).toBe(true);
    }),
    { numRuns: Math.ceil(runs / 3), seed },
  );
  const long = request("GET", "/power/control/on", [`x: ${"y".repeat(100_000)}`]);
  expect(await send(pdudaemon, long)).toBe(431);
  const foreign = "GET /power/control/on?alias=spare-8 HTTP/1.1\r\nhost: evil.example\r\n\r\n";
  expect(await send(pdudaemon, foreign)).toBe(403);
  globalThis.gc?.();
  expect(process.memoryUsage().heapUsed - heap).toBeLessThan(64e6);
  expect(pins()).toBe(before);
});

test("hostile-labgrid: bodies other than 0 and 1, places that are none: 4xx, and no pin moves", async () => {
  const before = pins();
  const place = fc.oneof(
    fc.constantFrom("spare-3", "rack1/3"),
    fc.tuple(word, word).map(([rack, channel]) => `${rack}/${channel}`),
    word,
  );
  const body = fc.oneof(fc.constantFrom("", "2", "on", "01", "1\u0000", "true", "{}", "1".repeat(5000)), fc.string());
  const type = fc.constantFrom("text/plain", "application/json", "multipart/form-data", "\u00ff", "");
  await fc.assert(
    fc.asyncProperty(place, body, type, async (where, text, content) => {
      fc.pre(!["0", "1"].includes(text.trim()));
      const target = `/compat/labgrid/${where}/power`;
      const headers = [basic(), ...(content === "" ? [] : [`content-type: ${content}`])];
      const status = await send(web, request("PUT", target, headers, text));
      expect([target, text, status >= 400 && status < 500]).toEqual([target, text, true]);
    }),
    { numRuns: runs, seed },
  );
  expect(pins()).toBe(before);
  expect(await send(web, request("PUT", "/compat/labgrid/rack1/8/power", [basic()], "1"))).toBe(200);
  expect(await send(web, request("PUT", "/compat/labgrid/spare-8/power", [basic()], "0"))).toBe(200);
});

test("hostile-redfish: reset types that are none, documents that are none: 4xx, and no pin moves", async () => {
  const before = pins();
  const junk = fc.oneof(fc.constantFrom("constructor", "__proto__", "on", "", null, 1, ["On"], { On: 1 }), fc.string());
  const body = fc.oneof(
    junk.map((ResetType) => JSON.stringify({ ResetType })),
    fc.jsonValue().map((value) => JSON.stringify(value)),
    fc.string(),
  );
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.constant("spare-3"), word), body, async (system, text) => {
      fc.pre(!/"ResetType":\s*\[?"(On|ForceOn|ForceOff|GracefulShutdown|PowerCycle|ForceRestart)"/.test(text));
      const target = `/redfish/v1/Systems/${system}/Actions/ComputerSystem.Reset`;
      const status = await send(web, request("POST", target, [basic(), "content-type: application/json"], text));
      expect([target, text, status >= 400 && status < 500]).toEqual([target, text, true]);
    }),
    { numRuns: runs, seed },
  );
  expect(pins()).toBe(before);
});
