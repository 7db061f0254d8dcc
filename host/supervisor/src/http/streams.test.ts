import { createServer, get, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Reply } from "./app.ts";
import { type Stream, Streams } from "./streams.ts";

const PIECE = "x".repeat(1_000_000);

let server: Server;
let answers: ServerResponse[];
beforeEach(async () => {
  answers = [];
  server = createServer((_request, response: ServerResponse) => void answers.push(response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** The answer to a request whose reader takes nothing. */
async function unread(): Promise<ServerResponse> {
  const count = answers.length;
  const { port } = server.address() as AddressInfo;
  get({ port, agent: false }, (response) => response.pause()).on("error", () => undefined);
  await expect.poll(() => answers.length).toBe(count + 1);
  return answers[count] as ServerResponse;
}

const begin = (streams: Streams, raw: ServerResponse): Stream =>
  streams.begin({ raw, hijack: () => undefined } as unknown as Reply, "text/plain");

test("a reader for whom more than 4 MB wait is cut off, and makes room for another", async () => {
  const streams = new Streams(1);
  const raw = await unread();
  const out = begin(streams, raw);
  let closed = 0;
  out.onClose(() => (closed += 1));
  expect(() => streams.check()).toThrow(expect.objectContaining({ code: "busy" }));
  let written = 0;
  while (!raw.destroyed && written < 100) {
    // Twice in a row: what is cut off takes nothing more.
    out.write(PIECE);
    out.write("y");
    written += 1;
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(written).toBeGreaterThan(4);
  expect(written).toBeLessThan(100);
  await expect.poll(() => closed).toBe(1);
  expect(() => streams.check()).not.toThrow();
});

test("one whose reader is gone before it begins takes no room, and ends at once", async () => {
  const streams = new Streams(1);
  const raw = await unread();
  const gone = new Promise((resolve) => raw.once("close", resolve));
  raw.destroy();
  await gone;
  let closed = 0;
  begin(streams, raw).onClose(() => (closed += 1));
  expect(closed).toBe(1);
  expect(() => streams.check()).not.toThrow();
});
