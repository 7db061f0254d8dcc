import { connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** A way to a bay's HTTP API that tells what passes. */
export interface WatchedWay {
  url: string;
  /** Requests to switch that clients have sent so far. */
  switchings(): number;
  /** Resolves when nobody is connected: the bay has closed what it had with clients that are gone. */
  unused(): Promise<void>;
  close(): Promise<void>;
}

/**
 * @param to the API's address. A client that is gone is gone for the bay as it would be without this: the end of its
 * connection is passed on as it came.
 */
export async function watchedWay(to: string): Promise<WatchedWay> {
  const { hostname, port } = new URL(to);
  const open = new Set<Socket>();
  let switchings = 0;
  const server: Server = createServer({ allowHalfOpen: true }, (client) => {
    const bay = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    client.on("data", (chunk) => {
      if (/^PUT \S+\/power /.test(chunk.toString("latin1"))) switchings += 1;
    });
    for (const [from, into] of [
      [client, bay],
      [bay, client],
    ] as const) {
      open.add(from);
      from.pipe(into);
      from.on("error", () => into.destroy());
      from.on("close", () => open.delete(from));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    switchings: () => switchings,
    async unused() {
      while (open.size > 0) await sleep(2);
    },
    async close() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
