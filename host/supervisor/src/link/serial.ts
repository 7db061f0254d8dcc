import { SerialPort } from "serialport";
import type { ByteTransport } from "./transport.ts";

const CAPACITY = 65_536;

/** Where a serial board is: a device path, or the serial number by which the port is found each time it is opened. */
type SerialAddress = { serial: string } | { serial_number: string };

async function pathOf(address: SerialAddress): Promise<string> {
  if ("serial" in address) return address.serial;
  const ports = await SerialPort.list();
  const found = ports.find((port) => port.serialNumber === address.serial_number);
  if (found === undefined) throw new Error(`no port with serial number ${address.serial_number}`);
  return found.path;
}

/**
 * A serial port. It is opened exclusively, and its data is always consumed: a port without a consumer never reports
 * that it was closed. `close` may come more than once from the driver; only the first counts.
 */
export function serialTransport(address: SerialAddress): ByteTransport {
  let port: SerialPort | undefined;
  const name = "serial" in address ? address.serial : `serial number ${address.serial_number}`;
  return {
    name,
    async open({ onBytes, onClose }) {
      const opened = new SerialPort({ path: await pathOf(address), baudRate: 115_200, lock: true, autoOpen: false });
      await new Promise<void>((resolve, reject) =>
        opened.open((error) => (error === null ? resolve() : reject(error))),
      );
      port = opened;
      const lost = (reason: string): void => {
        if (port !== opened) return;
        port = undefined;
        onClose(reason);
      };
      opened.on("data", onBytes);
      opened.on("error", (error) => lost(error.message));
      opened.on("close", (error?: Error | null) => lost(error?.message ?? "closed"));
    },
    write(bytes) {
      port?.write(Buffer.from(bytes));
    },
    room: () => (port === undefined ? 0 : CAPACITY - port.writableLength),
    async close() {
      const closing = port;
      port = undefined;
      if (closing?.isOpen !== true) return;
      await new Promise<void>((resolve) => closing.close(() => resolve()));
    },
  };
}
