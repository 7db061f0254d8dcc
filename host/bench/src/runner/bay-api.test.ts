import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type BayApi, httpBay } from "./bay-api.ts";

const LEFT_S = 100;
/** What the lease has been told; `answer` decides of each: how long it takes, and whether it is refused. */
let told: { experiment: boolean; ttl_s: number }[];
let answer: (experiment: boolean) => { wait_ms?: number; refused?: boolean };
let lease: { experiment: boolean };
let server: Server;
let bay: BayApi;

/** A bay with one lease of two targets, which somebody has already. */
beforeEach(async () => {
  told = [];
  answer = () => ({});
  lease = { experiment: false };
  const expires_at = new Date(Date.now() + LEFT_S * 1000).toISOString();
  server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    response.setHeader("content-type", "application/json");
    if (request.method === "PUT") {
      const body = JSON.parse(text) as (typeof told)[0];
      const { wait_ms = 0, refused = false } = answer(body.experiment);
      await new Promise((resolve) => setTimeout(resolve, wait_ms));
      told.push(body);
      if (refused) {
        response.statusCode = 503;
        return response.end(JSON.stringify({ detail: "not now" }));
      }
      lease = { experiment: body.experiment };
    }
    return response.end(JSON.stringify({ id: "l1", expires_at, ...lease }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const http = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const mine = { id: "l1", targets: ["a", "b"] };
  bay = httpBay({ http, token: "t", mqtt: "", mqttUser: "", mqttPassword: "", lease: mine });
});
afterEach(() => {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(resolve));
});

const borrow = (target: string) => bay.lease(target, "run", new AbortController().signal);

test("a borrowed lease says that an experiment runs until the last of its targets is given back, and keeps its time", async () => {
  const [a, b] = await Promise.all([borrow("a"), borrow("b")]);
  expect(lease.experiment).toBe(true);
  await a.release();
  expect(lease.experiment).toBe(true);
  await b.release();
  expect(told.map(({ experiment }) => experiment)).toEqual([true, false]);
  for (const { ttl_s } of told) {
    expect(ttl_s).toBeLessThanOrEqual(LEFT_S);
    expect(ttl_s).toBeGreaterThan(LEFT_S - 20);
  }
});

test("a target that is borrowed while the one before is given back counts, however long the bay takes to hear of that", async () => {
  const first = await borrow("a");
  answer = (experiment) => ({ wait_ms: experiment ? 0 : 200 });
  const [, second] = await Promise.all([first.release(), borrow("b")]);
  expect(lease.experiment).toBe(true);
  await second.release();
  expect(lease.experiment).toBe(false);
});

test("where the first target could not say that it runs, the next one does not go on without", async () => {
  answer = () => ({ refused: told.length === 0 });
  const [a, b] = await Promise.allSettled([borrow("a"), borrow("b")]);
  expect(a).toMatchObject({ status: "rejected", reason: { message: expect.stringContaining("not now") } });
  expect([b.status, lease.experiment]).toEqual(["fulfilled", true]);
  if (b.status === "fulfilled") await b.value.release();
  expect(lease.experiment).toBe(false);
});

test("giving a target back that is tried again after a failure counts once", async () => {
  const [a, b] = await Promise.all([borrow("a"), borrow("b")]);
  await a.release();
  answer = () => ({ refused: told.length === 1 });
  await expect(b.release()).rejects.toThrow("not now");
  expect(lease.experiment).toBe(true);
  await b.release();
  expect(lease.experiment).toBe(false);
  const again = await borrow("a");
  await a.release();
  expect(lease.experiment).toBe(true);
  await again.release();
  expect(lease.experiment).toBe(false);
});
