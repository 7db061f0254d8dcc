import { closeSync, constants, lstatSync, openSync, renameSync, rmSync, symlinkSync, writeSync } from "node:fs";
import { resolve } from "node:path";
import type { ReadStream } from "node:tty";
import * as pty from "@lydell/node-pty";
import type { BoardEnd } from "./memory.ts";

/** What the terminal object of node-pty's `open` holds; it is undocumented, hence the pinned version. */
interface OpenedTerminal {
  _pty: string;
  /** Descriptor of the master, which does not block. */
  fd: number;
  _master: ReadStream;
  _slave: ReadStream;
}

const CAPACITY = 65_536;
/** Pause until a terminal that is full is tried again. */
const FULL_MS = 2;

/** The link to a pseudo-terminal could not be made. */
export class PtyError extends Error {}

export interface PtyCarrier extends BoardEnd {
  /** Absolute path of the link, and the pseudo-terminal behind it. */
  link: string;
  device: string;
  /** Called when the host has sent bytes. */
  onBytes?: () => void;
  close(): void;
}

/**
 * A pseudo-terminal whose far end a program opens at `linkPath` as it would open a serial port: raw, no echo. The link
 * is replaced atomically and removed at `close`. The slave stays open here, so that the host may close and open again.
 */
export function createPtyCarrier(linkPath: string): PtyCarrier {
  const link = resolve(linkPath);
  const existing = lstatSync(link, { throwIfNoEntry: false });
  if (existing !== undefined && !existing.isSymbolicLink()) {
    throw new PtyError(`${link} exists and is not a link; choose another path`);
  }
  const terminal = (pty as unknown as { open(options: object): OpenedTerminal }).open({ encoding: null });
  terminal._slave.setRawMode(true);
  // A plain descriptor keeps the far end open without reading from it; the stream would take the host's bytes.
  const held = openSync(terminal._pty, constants.O_RDWR | constants.O_NOCTTY);
  terminal._slave.destroy();
  let received: Buffer[] = [];
  terminal._master.on("data", (chunk: Buffer) => {
    received.push(chunk);
    carrier.onBytes?.();
  });
  // EIO is how Linux reports that the last slave was closed; the carrier is being closed then.
  terminal._master.on("error", () => terminal._master.destroy());
  // libuv writes to the master of a terminal by trying again without end: nobody who reads there would hold this process for ever.
  let waiting: Buffer[] = [];
  let waiting_bytes = 0;
  let later: NodeJS.Timeout | undefined;
  const forget = (): void => {
    clearTimeout(later);
    later = undefined;
    waiting = [];
    waiting_bytes = 0;
  };
  const flush = (): void => {
    later = undefined;
    try {
      for (let [first] = waiting; first !== undefined; [first] = waiting) {
        const written = writeSync(terminal.fd, first);
        waiting_bytes -= written;
        if (written < first.length) waiting[0] = first.subarray(written);
        else waiting.shift();
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EAGAIN") later = setTimeout(flush, FULL_MS);
      // The terminal is gone, and with it who could read.
      else forget();
    }
  };
  const temporary = `${link}.${process.pid}`;
  let ended = false;
  const end = (): void => {
    ended = true;
    forget();
    terminal._master.destroy();
    closeSync(held);
  };
  try {
    symlinkSync(terminal._pty, temporary);
    renameSync(temporary, link);
  } catch (error) {
    end();
    throw new PtyError(`${link} cannot be made: ${(error as Error).message}`);
  }

  const carrier: PtyCarrier = {
    link,
    device: terminal._pty,
    take() {
      if (received.length === 0) return undefined;
      const bytes = Buffer.concat(received).toString("latin1");
      received = [];
      return bytes;
    },
    write(bytes) {
      if (ended || bytes.length === 0) return;
      waiting.push(Buffer.from(bytes, "latin1"));
      waiting_bytes += bytes.length;
      if (later === undefined) flush();
    },
    room: () => CAPACITY - waiting_bytes,
    close() {
      rmSync(link, { force: true });
      end();
    },
  };
  return carrier;
}
