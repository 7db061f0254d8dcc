import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { httpBay } from "./bay-api.ts";

/** The open answer that holds the lease, until it is closed. */
let held: ServerResponse | undefined;
let renewals: number;
/** Whether a renewal, by its number from 1 on, is refused. */
let refuses: (renewal: number) => boolean;
let server: Server;

/** A bay with one lease. */
beforeEach(async () => {
  [held, renewals, refuses] = [undefined, 0, () => false];
  server = createServer((request, response) => {
    request.resume();
    if (request.url?.endsWith("/hold")) {
      held = response;
      response.once("close", () => {
        held = undefined;
      });
      return response.write("\n");
    }
    if (request.method === "PUT") renewals += 1;
    const refused = request.method === "PUT" && refuses(renewals);
    response.statusCode = refused ? 503 : request.method === "POST" ? 201 : 200;
    return response.end(JSON.stringify(refused ? { detail: `not now (${renewals})` } : { id: "l1" }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(() => {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(resolve));
});

function lease(lease_s: number) {
  const http = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const bay = httpBay({ http, token: "t", mqtt: "", mqttUser: "", mqttPassword: "" }, { lease_s, renew_ms: 20 });
  return bay.lease("a", "run", new AbortController().signal);
}

async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setTimeout(resolve, 5));
}

const raised = (signal: AbortSignal): Promise<unknown> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(signal.reason);
    else signal.addEventListener("abort", () => resolve(signal.reason), { once: true });
  });

test("renewals that fail now and then cost nothing, and the next ones follow", async () => {
  refuses = (renewal) => renewal !== 3;
  const { lost, drop } = await lease(600);
  await until(() => renewals >= 6);
  expect([lost.aborted, held !== undefined]).toEqual([false, true]);
  drop();
});

test("a lease that could not be renewed for as long as it lasts is lost, with the reason", async () => {
  refuses = () => true;
  const { lost, drop } = await lease(1);
  expect(await raised(lost)).toMatchObject({ message: expect.stringMatching(/PUT .*not now \(\d+\)/) });
  expect(renewals).toBeGreaterThan(1);
  drop();
  await until(() => held === undefined);
});

test("a lease that the bay ends is lost at once and renewed no more", async () => {
  const { lost } = await lease(600);
  await until(() => renewals > 0);
  held?.end();
  expect(await raised(lost)).toMatchObject({ message: "the lease has ended" });
  const before = renewals;
  await new Promise((resolve) => setTimeout(resolve, 100));
  // One may have been under way.
  expect(renewals - before).toBeLessThanOrEqual(1);
});

test("letting go of a lease closes what holds it, and is no loss", async () => {
  const { lost, drop } = await lease(600);
  drop();
  await until(() => held === undefined);
  expect(lost.aborted).toBe(false);
});
