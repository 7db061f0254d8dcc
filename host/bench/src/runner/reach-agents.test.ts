import { createServer, type Socket } from "node:net";
import type { Bay } from "@mltb/contract";
import { expect, test } from "vitest";
import type { AgentWatch, FoundAgent } from "./agents.ts";
import { reachAgents } from "./reach-agents.ts";

const real = { serial: "/dev/serial/by-id/x" };

function bay(link: unknown, more: object = {}): Bay {
  const targets = [{ target: "jetson", channel: 1, agent: { runtime: "ort", threads: 1 }, ...more }];
  return { bay: "lab", racks: [{ rack: "rack1", board: { name: "b1", link }, targets }] } as unknown as Bay;
}

/** Times that were waited, and the agent that came. */
function watch(grpc: string): AgentWatch & { waited: number[] } {
  const waited: number[] = [];
  const gone = new AbortController().signal;
  const found: FoundAgent = { name: "jetson", target: "jetson", grpc, at: "", instance: "i1", gone };
  const wait: AgentWatch["wait"] = async (_target, _since, timeout_ms) => {
    waited.push(timeout_ms);
    return found;
  };
  return { waited, wait, close: async () => undefined };
}

test.each([
  ["a simulated one as long as was said", "simulated", {}, 30_000],
  ["a real one some minutes more", real, {}, 210_000],
  ["one whose file knows its boot, that time more", real, { ready: { pattern: "login:", timeout_s: 600 } }, 630_000],
])("boards boot before their agents come: %s", async (_, link, more, patience) => {
  const agents = watch("127.0.0.1:1");
  const reached = reachAgents(bay(link, more), agents);
  const waiting = reached.agents.wait("jetson", 0, 30_000, new AbortController().signal);
  await expect(waiting).rejects.toThrow();
  expect(agents.waited).toEqual([patience]);
});

test("a board's agent on a loopback address is refused and nobody is called", async () => {
  let calls = 0;
  const listener = createServer((socket) => {
    calls += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const address = `127.0.0.1:${(listener.address() as { port: number }).port}`;
  const wait = (link: unknown) =>
    reachAgents(bay(link), watch(address)).agents.wait("jetson", 0, 1000, new AbortController().signal);
  await expect(wait(real)).rejects.toThrow(/which is this machine and not the board/);
  expect(calls).toBe(0);
  // The agent of a simulated one is called; what listens here is none.
  await expect(wait("simulated")).rejects.toThrow(`the agent on ${address} cannot be called`);
  expect(calls).toBeGreaterThan(0);
  await new Promise((resolve) => listener.close(resolve));
});

test("a run that is interrupted while an agent is asked who it is ends at once", async () => {
  const sockets: Socket[] = [];
  const listener = createServer((socket) => sockets.push(socket));
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const address = `127.0.0.1:${(listener.address() as { port: number }).port}`;
  const abort = new AbortController();
  const waiting = reachAgents(bay("simulated"), watch(address)).agents.wait("jetson", 0, 1000, abort.signal);
  setTimeout(() => abort.abort(), 100);
  await expect(waiting).rejects.toThrow(/^interrupted$/);
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => listener.close(resolve));
}, 5000);
