import { addressText, matches, type PortAddress, type PortInfo, type Ports } from "./ports.ts";
import type { OpenPort, OpenPortAt } from "./serial.ts";
import { type ByteTransport, PortError } from "./transport.ts";

/** The one port that an address stands for now. Rejects with `PortError` where there is none, or more than one. */
export async function findOne(address: PortAddress, ports: Ports): Promise<PortInfo> {
  const name = addressText(address);
  const found = (await ports.list()).filter((port) => matches(address, port));
  const [first, second] = found;
  if (first === undefined) throw new PortError("absent", `no port is ${name}`);
  if (second !== undefined) {
    throw new PortError("failed", `${found.length} ports are ${name}: give the board's serial number`);
  }
  return first;
}

/**
 * A link by the port's identity. The path is looked up anew for every opening, because a device that re-enumerates may
 * get another one, and an open port whose device is gone or has come anew is closed even where the driver says nothing.
 */
export function portTransport(address: PortAddress, ports: Ports, openAt: OpenPortAt): ByteTransport {
  const name = addressText(address);
  let current: { port: OpenPort | undefined; path: string; lost: (reason: string) => void } | undefined;

  const transport: ByteTransport = {
    name,
    async open(handlers) {
      const { path } = await findOne(address, ports);
      handlers.onFound?.(name);
      const mine: NonNullable<typeof current> = {
        port: undefined,
        path,
        lost(reason) {
          if (current !== mine) return;
          current = undefined;
          handlers.onClose(reason);
        },
      };
      current = mine;
      try {
        const port = await openAt(path, { onBytes: handlers.onBytes, onClose: (reason) => mine.lost(reason) });
        // Closed, or the device pulled out, while the port was being opened.
        if (current !== mine) {
          await port.close();
          throw new PortError("absent", "closed while it was being opened");
        }
        mine.port = port;
      } catch (error) {
        if (current === mine) current = undefined;
        throw error;
      }
    },
    write(bytes) {
      current?.port?.write(bytes);
    },
    room: () => current?.port?.room() ?? 0,
    async close() {
      const closing = current;
      current = undefined;
      await closing?.port?.close();
    },
    onAvailable(listener) {
      return ports.watch(({ kind, port }) => {
        if (!matches(address, port)) return;
        if (kind === "added") {
          listener();
          return;
        }
        const gone = current;
        if (gone === undefined || gone.path !== port.path) return;
        void gone.port?.close();
        if (gone.port !== undefined) gone.lost("the port is gone");
        else current = undefined;
      });
    },
  };
  return transport;
}
