import { connect, type Socket } from "node:net";
import { type ByteTransport, PortError } from "./transport.ts";

const CAPACITY = 65_536;
const CONNECT_MS = 3000;

/** A board behind a raw TCP port, such as a terminal server's. Small frames leave at once (no delay). */
export function tcpTransport(host: string, port: number): ByteTransport {
  let socket: Socket | undefined;
  return {
    name: `tcp ${host.includes(":") ? `[${host}]` : host}:${port}`,
    async open({ onBytes, onClose, onFound }) {
      const opened = connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 5000 });
      socket = opened;
      await new Promise<void>((resolve, reject) => {
        const fail = (error: Error & { code?: string }): void => {
          opened.destroy();
          const absent = error.code === "ECONNREFUSED" || error.code === "EHOSTUNREACH" || error.code === "ENOTFOUND";
          reject(new PortError(absent ? "absent" : "failed", error.message));
        };
        opened.setTimeout(CONNECT_MS, () => fail(new Error(`no connection within ${CONNECT_MS / 1000} s`)));
        opened.once("error", fail);
        opened.once("connect", () => {
          opened.setTimeout(0);
          opened.off("error", fail);
          resolve();
        });
      });
      onFound?.(`${host}:${port}`);
      const lost = (reason: string): void => {
        if (socket !== opened) return;
        socket = undefined;
        opened.destroy();
        onClose(reason);
      };
      opened.on("data", onBytes);
      opened.on("error", (error) => lost(error.message));
      opened.on("close", () => lost("the connection was closed"));
    },
    write(bytes) {
      socket?.write(bytes);
    },
    room: () => (socket === undefined ? 0 : CAPACITY - socket.writableLength),
    async close() {
      const closing = socket;
      socket = undefined;
      closing?.destroy();
    },
  };
}
