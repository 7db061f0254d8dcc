import { createServer, get, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { cutOff } from "./cut-off.ts";

/** More than any socket buffers. */
const UNREAD_BYTES = 64_000_000;

test("a stream whose reader takes nothing is cut within a second; one that reads gets the last line", async () => {
  const closed: Promise<number>[] = [];
  const server = createServer((request, response: ServerResponse) => {
    response.write(request.url === "/paused" ? Buffer.alloc(UNREAD_BYTES) : "first\n");
    const began = performance.now();
    closed.push(new Promise((resolve) => response.once("close", () => resolve(performance.now() - began))));
    cutOff(response, "last\n");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const paused = get({ port, path: "/paused" }, (response) => response.pause());
  paused.on("error", () => undefined);
  expect(await (await fetch(`http://127.0.0.1:${port}/reads`)).text()).toBe("first\nlast\n");
  await expect.poll(() => closed.length).toBe(2);
  for (const ms of await Promise.all(closed)) expect(ms).toBeLessThan(1000);
  paused.destroy();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
