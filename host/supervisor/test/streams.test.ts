import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestBay, type TestBay, until } from "./bay.ts";

const MOST = 256;
/** For what a machine that is busy with other suites does late. */
const PATIENCE_MS = 30_000;

let bay: TestBay;
beforeAll(async () => {
  bay = await startTestBay();
});
afterAll(() => bay.stop());

async function open(path: string): Promise<{ status: number; code: string | undefined; close: () => void }> {
  const closing = new AbortController();
  const authorization = `Bearer ${readFileSync(bay.supervisor.tokenFile, "utf8").trim()}`;
  const { signal } = closing;
  const response = await fetch(`${bay.supervisor.http}/api/v1/${path}`, { headers: { authorization }, signal });
  const refused = response.status === 200 ? undefined : ((await response.json()) as { code: string });
  return { status: response.status, code: refused?.code, close: () => closing.abort() };
}

test("events, samples and consoles share 256 streams; a lease is held beside them, and one that closes makes room", async () => {
  const paths = ["events", "targets/spare-3/samples", "targets/local-cpu/console"];
  const streams = await Promise.all(Array.from({ length: MOST }, (_, n) => open(paths[n % paths.length] as string)));
  expect(streams.filter(({ status }) => status !== 200)).toEqual([]);
  for (const path of paths) expect(await open(path)).toMatchObject({ status: 409, code: "busy" });
  const lease = await bay.api("POST", "/api/v1/leases", { targets: ["spare-4"], ttl_s: 60 });
  const hold = await open(`leases/${lease.json.id}/hold`);
  expect(hold.status).toBe(200);
  streams.shift()?.close();
  streams.push(
    await until(async () => {
      const next = await open("targets/local-cpu/console");
      return next.status === 200 && next;
    }, PATIENCE_MS),
  );
  expect(await open("events")).toMatchObject({ status: 409, code: "busy" });
  for (const { close } of [...streams, hold]) close();
  await until(async () => (await bay.api("GET", "/api/v1/targets/spare-4")).json.lease === null, PATIENCE_MS);
});
