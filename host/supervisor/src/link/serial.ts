import { SerialPort } from "serialport";
import type { PortInfo } from "./ports.ts";
import { PortError, type TransportHandlers } from "./transport.ts";

const CAPACITY = 65_536;

/** An open port. */
export interface OpenPort {
  write(bytes: Uint8Array): void;
  room(): number;
  /** Idempotent. `onClose` is not called for it. */
  close(): Promise<void>;
}

/** Opens a port by the path that it has now. */
export type OpenPortAt = (path: string, handlers: TransportHandlers) => Promise<OpenPort>;

/** Ports by the driver's own list, where sysfs cannot be read. */
export async function listSerialPorts(): Promise<PortInfo[]> {
  const number = (text: string | undefined): number | undefined =>
    text === undefined ? undefined : Number.parseInt(text, 16);
  return (await SerialPort.list()).map(({ path, vendorId, productId, serialNumber }) => {
    const [vid, pid] = [number(vendorId), number(productId)];
    return {
      path,
      ...(vid === undefined ? {} : { vid }),
      ...(pid === undefined ? {} : { pid }),
      ...(serialNumber === undefined ? {} : { serial: serialNumber }),
    };
  });
}

function problem(error: Error, path: string): PortError {
  const text = error.message;
  if (/No such file|ENOENT|cannot find/i.test(text)) return new PortError("absent", `${path} is gone`);
  if (/Permission denied|EACCES|Access denied/i.test(text)) {
    return new PortError(
      "denied",
      `${path}: permission denied; install the udev rules or join its group (mltb doctor)`,
    );
  }
  if (/lock|busy|EBUSY|Resource temporarily unavailable/i.test(text)) {
    return new PortError("in-use", `${path}: another program has it open`);
  }
  return new PortError("failed", text);
}

/**
 * Opens a serial port exclusively (lock). Its data is always consumed: a port without a consumer never reports that it
 * was closed. The driver may say so more than once; only the first counts.
 */
export async function openSerialPort(
  path: string,
  { onBytes, onClose }: TransportHandlers,
  baudRate = 115_200,
): Promise<OpenPort> {
  const port = new SerialPort({ path, baudRate, lock: true, autoOpen: false });
  await new Promise<void>((resolve, reject) =>
    port.open((error) => (error === null ? resolve() : reject(problem(error, path)))),
  );
  let open = true;
  const lost = (reason: string): void => {
    if (!open) return;
    open = false;
    if (port.isOpen) port.close(() => undefined);
    onClose(reason);
  };
  port.on("data", (chunk: Uint8Array) => open && onBytes(chunk));
  port.on("error", (error) => lost(error.message));
  port.on("close", (error?: Error | null) => lost(error?.message ?? "closed"));
  return {
    write(bytes) {
      if (open) port.write(Buffer.from(bytes));
    },
    room: () => (open ? CAPACITY - port.writableLength : 0),
    async close() {
      open = false;
      if (!port.isOpen) return;
      await new Promise<void>((resolve) => port.close(() => resolve()));
    },
  };
}
