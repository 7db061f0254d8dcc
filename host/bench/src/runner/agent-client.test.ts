import { createServer } from "node:net";
import { expect, test } from "vitest";
import { grpcAgent } from "./agent-client.ts";

test("a measurement that was cancelled before it began is an interruption at once, and calls nobody", async () => {
  let calls = 0;
  const listener = createServer((socket) => {
    calls += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const agent = grpcAgent(`127.0.0.1:${(listener.address() as { port: number }).port}`);
  const call = { model: "kws", warmup: 0, windows: 1, window_s: 1, seed: 1, inputs: [] };
  const never = (): void => expect.unreachable("a window of a measurement that did not run");
  await expect(agent.measure(call, never, AbortSignal.abort())).rejects.toThrow("interrupted");
  expect(calls).toBe(0);
  agent.close();
  await new Promise((resolve) => listener.close(resolve));
});
