import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { addToken, listTokens, revokeToken, Tokens } from "../src/auth/tokens.ts";
import { type App, type AppOptions, createApp } from "../src/http/app.ts";
import { startSupervisor } from "../src/index.ts";

let folder: string;
const apps: App[] = [];
const faults: Error[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mltb-access-"));
  faults.length = 0;
});
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
  rmSync(folder, { recursive: true });
});

const tokens = (): Tokens => new Tokens(folder, "own-token", (error) => faults.push(error));

/** A server with one route for each role; returns its port. */
async function serve(options: Partial<AppOptions> = {}): Promise<number> {
  const app = await createApp({
    tokens: tokens(),
    hosts: [],
    onError: (error) => faults.push(error),
    ...options,
  });
  apps.push(app);
  app.get("/read", async () => ({ ok: true }));
  app.put("/write", async () => ({ ok: true }));
  app.put("/manage", { config: { role: "admin" } }, async () => ({ ok: true }));
  app.get("/basic", { config: { basic: true } }, async () => ({ ok: true }));
  app.get("/stream", (_request, reply) => {
    reply.hijack();
    reply.raw.writeHead(200).write("first");
  });
  app.get("/broken", async () => {
    throw new Error("the password is hunter2");
  });
  await app.listen({ host: "127.0.0.1", port: 0 });
  return (app.server.address() as { port: number }).port;
}

function ask(
  port: number,
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: string,
): Promise<{ status: number; headers: Record<string, unknown>; json: { code?: string; detail?: string } }> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: "127.0.0.1", port, method, path, headers, setHost: !("host" in headers) },
      (answer) => {
        let text = "";
        answer.on("data", (chunk) => (text += chunk));
        answer.on("end", () =>
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, json: JSON.parse(text || "{}") }),
        );
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

test("a token is made once, kept as a hash in a file of its owner, and taken back while the bay runs", async () => {
  const token = addToken(folder, "ann", "viewer");
  const file = join(folder, "tokens.json");
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(file, "utf8")).not.toContain(token);
  expect(() => addToken(folder, "ann", "admin")).toThrow("there is a token ann already");
  expect(listTokens(folder)).toMatchObject([{ name: "ann", role: "viewer" }]);
  const port = await serve();
  expect((await ask(port, "GET", "/read", bearer(token))).status).toBe(200);
  expect(revokeToken(folder, "ann")).toBe(true);
  expect(revokeToken(folder, "ann")).toBe(false);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect((await ask(port, "GET", "/read", bearer(token))).status).toBe(401);
  const late = addToken(folder, "bob", "operator");
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect((await ask(port, "PUT", "/write", bearer(late))).status).toBe(200);
});

test("a revoked token's streams end within a second, everybody else's go on", async () => {
  const open = (token: string) =>
    new Promise<IncomingMessage>((resolve) => {
      request({ host: "127.0.0.1", port, path: "/stream", headers: bearer(token) }, (answer) => {
        answer.on("error", () => undefined).once("data", () => resolve(answer));
      }).end();
    });
  const [ann, bob] = [addToken(folder, "ann", "viewer"), addToken(folder, "bob", "viewer")];
  const port = await serve();
  const [anns, bobs, own] = await Promise.all([open(ann), open(bob), open("own-token")]);
  const ended = new Promise((resolve) => anns.once("close", resolve));
  revokeToken(folder, "ann");
  await ended;
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect([bobs.destroyed, own.destroyed]).toEqual([false, false]);
});

test("a token file that others may read, or that is damaged, is refused with its mend and gives nobody access", () => {
  const token = addToken(folder, "ann", "admin");
  const file = join(folder, "tokens.json");
  chmodSync(file, 0o644);
  expect(tokens).toThrow(expect.objectContaining({ code: "tokens_unreadable", suggestion: `chmod 600 ${file}` }));
  chmodSync(file, 0o600);
  const known = tokens();
  expect(known.login(token)).toEqual({ user: "ann", role: "admin" });
  writeFileSync(file, "{");
  return new Promise<void>((resolve) =>
    setTimeout(() => {
      expect(known.login(token)).toBeUndefined();
      expect(known.login("own-token")).toEqual({ user: "admin", role: "admin" });
      expect(faults).toHaveLength(1);
      resolve();
    }, 300),
  );
});

test.each([
  ["viewer", 200, 403, 403],
  ["operator", 200, 200, 403],
  ["admin", 200, 200, 200],
] as const)("a %s reads, writes and manages with %i, %i, %i", async (role, read, write, manage) => {
  const headers = bearer(addToken(folder, "u", role));
  const port = await serve();
  const all = await Promise.all([
    ask(port, "GET", "/read", headers),
    ask(port, "PUT", "/write", headers),
    ask(port, "PUT", "/manage", headers),
  ]);
  expect(all.map((answer) => answer.status)).toEqual([read, write, manage]);
});

test("without a token 401, on every route and on none; Basic only where a route takes it", async () => {
  const port = await serve();
  for (const path of ["/read", "/nowhere"]) {
    const answer = await ask(port, "GET", path);
    expect(answer.status).toBe(401);
    expect(answer.headers["www-authenticate"]).toBe("Bearer");
  }
  const basic = { authorization: `Basic ${Buffer.from("anybody:own-token").toString("base64")}` };
  expect((await ask(port, "GET", "/basic", basic)).status).toBe(200);
  expect((await ask(port, "GET", "/read", basic)).status).toBe(401);
});

test.each([
  [{ host: "evil.example" }, "foreign-host"],
  [{ host: "evil.example:80" }, "foreign-host"],
  [{ host: "" }, "foreign-host"],
  [{ host: "127.0.0.1@evil.example" }, "foreign-host"],
  [{ host: "localhost", origin: "https://evil.example" }, "foreign-host"],
  [{ host: "localhost", origin: "null" }, "foreign-host"],
  [{ host: "localhost", origin: "http://localhost" }, undefined],
  [{ host: "192.0.2.7:1234" }, undefined],
  [{ host: "[::1]:1234" }, undefined],
  [{ host: "bench.lab" }, undefined],
])("dns-rebinding-and-cross-origin: %j gives %s", async (headers, code) => {
  const port = await serve({ hosts: ["bench.lab"] });
  const answer = await ask(port, "GET", "/read", { ...bearer("own-token"), ...headers });
  expect(answer.json.code).toBe(code);
});

test("a password that a browser sends by itself is of no use to another site's page; a token has to be given anyway", async () => {
  const port = await serve();
  const basic = { authorization: `Basic ${Buffer.from("anybody:own-token").toString("base64")}` };
  const from = async (site: string, path: string, login: Record<string, string>) =>
    (await ask(port, "GET", path, { ...login, "sec-fetch-site": site })).json.code;
  for (const site of ["cross-site", "same-site", "none, cross-site"]) {
    expect([site, await from(site, "/basic", basic)]).toEqual([site, "foreign-host"]);
    expect(await from(site, "/read", bearer("own-token"))).toBeUndefined();
  }
  for (const site of ["none", "same-origin"]) expect(await from(site, "/basic", basic)).toBeUndefined();
});

test("a flood is limited by login and by address of strangers, and others are not", async () => {
  const port = await serve({ rates: { login: 10, stranger: 3 } });
  const other = bearer(addToken(folder, "bob", "viewer"));
  const count = async (headers: Record<string, string>, n: number): Promise<number[]> =>
    (await Promise.all(Array.from({ length: n }, () => ask(port, "GET", "/read", headers)))).map((a) => a.status);
  // A boundary of the second may fall between.
  const strangers = await count({}, 20);
  expect(strangers.filter((status) => status === 429).length).toBeGreaterThanOrEqual(14);
  const own = await count(bearer("own-token"), 40);
  expect(own.filter((status) => status === 429).length).toBeGreaterThanOrEqual(20);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect((await count(other, 1))[0]).toBe(200);
});

test("wrong methods name the right ones; bodies have a limit; what nobody expected tells no secret", async () => {
  const port = await serve();
  const wrong = await ask(port, "DELETE", "/write", bearer("own-token"));
  expect([wrong.status, wrong.headers["allow"], wrong.json.code]).toEqual([405, "PUT", "wrong-method"]);
  const json = { ...bearer("own-token"), "content-type": "application/json" };
  expect((await ask(port, "PUT", "/write", json, `"${"x".repeat(600_000)}"`)).json.code).toBe("too-large");
  expect((await ask(port, "PUT", "/write", json, "{")).json.code).toBe("malformed");
  const xml = { ...bearer("own-token"), "content-type": "text/xml" };
  expect((await ask(port, "PUT", "/write", xml, "<a/>")).json.code).toBe("wrong-media-type");
  const broken = await ask(port, "GET", "/broken", bearer("own-token"));
  expect([broken.status, broken.json.code]).toEqual([500, "internal"]);
  expect(JSON.stringify(broken.json)).not.toContain("hunter2");
  expect(faults.map((fault) => fault.message)).toEqual(["the password is hunter2"]);
});

test("elsewhere-in-the-clear: a listener on another address than loopback needs TLS or the operator's word", async () => {
  const here = { host: "127.0.0.1", port: 0, named: true };
  const everywhere = { ...here, host: "0.0.0.0" };
  for (const listeners of [
    { http: everywhere, mqtt: here },
    { http: here, mqtt: everywhere },
    { http: here, mqtt: here, grpc: everywhere },
  ]) {
    await expect(startSupervisor(listeners as never)).rejects.toMatchObject({ code: "insecure_listener" });
  }
});
