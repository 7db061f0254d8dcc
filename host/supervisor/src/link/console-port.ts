import { PassThrough, type Readable } from "node:stream";
import type { BayTarget } from "@mltb/contract";
import { portTransport } from "./port-transport.ts";
import type { Ports } from "./ports.ts";
import { openSerialPort } from "./serial.ts";

const REOPEN_MS = 1000;
/** Bytes that wait for a reader; a console that nobody reads loses its text, as a UART does. */
const WAITING_BYTES = 65_536;

/** The text of a target's serial port, for as long as the bay is up: the port is opened again whenever it comes back. */
export function consolePort(
  of: NonNullable<BayTarget["console"]>,
  ports: Ports,
): { stream: Readable; stop(): Promise<void> } {
  const stream = new PassThrough();
  const address = "usb" in of ? { usb: of.usb } : { file: of.serial };
  const transport = portTransport(address, ports, (path, handlers) => openSerialPort(path, handlers, of.baud));
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  /** The port is open or being opened. News of others with its ids must not open it a second time. */
  let held = false;
  const later = (): void => {
    held = false;
    clearTimeout(timer);
    if (!stopped) timer = setTimeout(open, REOPEN_MS);
  };
  function open(): void {
    if (stopped || held) return;
    held = true;
    transport
      .open({
        onBytes: (chunk) => {
          if (stream.readableLength < WAITING_BYTES) stream.write(Buffer.from(chunk));
        },
        onClose: later,
      })
      .catch(later);
  }
  const endOfNews = transport.onAvailable?.(open);
  open();
  return {
    stream,
    async stop() {
      stopped = true;
      clearTimeout(timer);
      endOfNews?.();
      await transport.close();
      stream.end();
    },
  };
}
