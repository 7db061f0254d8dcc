import { createConnection, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** An emulator refused a command, or is gone. */
export class QmpError extends Error {}

/** QEMU's machine protocol: JSON lines, answers in the order of the commands, events in between. */
export interface Qmp {
  execute(command: string, parameters?: Record<string, unknown>): Promise<unknown>;
  /** A line of the human monitor; its text. */
  monitor(line: string): Promise<string>;
  close(): void;
}

interface Reply {
  return?: unknown;
  error?: { desc: string };
  event?: string;
}

/** Opens a Unix socket that another process may still be about to make. */
async function connected(path: string, until_ms: number): Promise<Socket> {
  for (;;) {
    try {
      return await new Promise<Socket>((resolve, reject) => {
        const socket = createConnection(path, () => resolve(socket));
        socket.once("error", reject);
      });
    } catch (error) {
      if (performance.now() > until_ms) throw new QmpError(`${path}: ${(error as Error).message}`);
      await sleep(5);
    }
  }
}

/** Connects to the socket of a QEMU that has just been started, and waits at most ten seconds for it. */
export async function connectQmp(path: string, onEvent: (name: string) => void): Promise<Qmp> {
  const socket = await connected(path, performance.now() + 10_000);
  const waiting: { resolve(value: unknown): void; reject(error: Error): void }[] = [];
  let held = "";
  let ended = false;
  const end = (): void => {
    ended = true;
    for (const { reject } of waiting.splice(0)) reject(new QmpError("the emulator is gone"));
  };
  socket.on("error", end);
  socket.on("close", end);
  socket.setEncoding("utf8");
  socket.on("data", (chunk: string) => {
    const lines = (held + chunk).split("\n");
    held = lines.pop() ?? "";
    for (const line of lines) {
      const reply = JSON.parse(line) as Reply;
      if (reply.event !== undefined) onEvent(reply.event);
      else if (reply.error !== undefined) waiting.shift()?.reject(new QmpError(reply.error.desc));
      else if ("return" in reply) waiting.shift()?.resolve(reply.return);
    }
  });
  const qmp: Qmp = {
    execute(command, parameters) {
      if (ended) return Promise.reject(new QmpError("the emulator is gone"));
      return new Promise((resolve, reject) => {
        waiting.push({ resolve, reject });
        socket.write(`${JSON.stringify({ execute: command, arguments: parameters })}\n`);
      });
    },
    monitor: async (line) => (await qmp.execute("human-monitor-command", { "command-line": line })) as string,
    close: () => socket.destroy(),
  };
  await qmp.execute("qmp_capabilities");
  return qmp;
}
