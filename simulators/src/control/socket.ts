import { chmodSync, rmSync, statSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { type ControlBay, handleControl } from "./requests.ts";

const LINE_BYTES = 65_536;

/** The control socket could not be opened. */
export class ControlSocketError extends Error {}

/** Serves control requests on a Unix socket: JSON lines, one answer a line. Only its owner can open it. */
export async function serveControl(path: string, bay: ControlBay): Promise<{ close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    // A client that goes away while an answer is written is no fault of the bay.
    socket.on("error", () => socket.destroy());
    let held = "";
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => {
      held += chunk;
      const lines = held.split("\n");
      held = lines.pop() ?? "";
      if (held.length > LINE_BYTES) {
        socket.end(`${JSON.stringify({ error: `a line has at most ${LINE_BYTES} bytes` })}\n`);
        return;
      }
      for (const line of lines) socket.write(`${JSON.stringify(answer(bay, line))}\n`);
    });
  });
  removeStale(path);
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(new ControlSocketError(`control socket ${path}: ${error.message}`)));
    server.listen(path, resolve);
  });
  chmodSync(path, 0o600);
  return {
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      rmSync(path, { force: true });
    },
  };
}

function removeStale(path: string): void {
  try {
    if (!statSync(path).isSocket()) throw new ControlSocketError(`${path} exists and is not a socket`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  rmSync(path);
}

function answer(bay: ControlBay, line: string): Record<string, unknown> {
  try {
    return handleControl(bay, JSON.parse(line));
  } catch (error) {
    return { error: `not a JSON object: ${(error as Error).message}` };
  }
}
