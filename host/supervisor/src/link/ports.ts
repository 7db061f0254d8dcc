/** A serial port of the system as it is now. `path` is only good until the port changes. */
export interface PortInfo {
  path: string;
  /** USB ids as numbers, and the device's serial number; undefined for ports that are not on USB. */
  vid?: number;
  pid?: number;
  serial?: string;
}

/** By what a port is known: USB ids and serial number, or the name of a file that the user keeps (a link, a UART). */
export type PortAddress =
  | { usb: { vid?: number | undefined; pid?: number | undefined; serial?: string | undefined } }
  | { file: string };

export interface PortChange {
  kind: "added" | "removed";
  port: PortInfo;
}

/** The system's ports and their comings and goings. */
export interface Ports {
  list(): Promise<PortInfo[]>;
  /** Told of every change, in order, none left out; returns the end of it. */
  watch(listener: (change: PortChange) => void): () => void;
}

export function addressText(address: PortAddress): string {
  if ("file" in address) return address.file;
  const { vid, pid, serial } = address.usb;
  const hex = (id: number | undefined): string => (id === undefined ? "*" : id.toString(16).padStart(4, "0"));
  return `usb ${hex(vid)}:${hex(pid)}${serial === undefined ? "" : ` serial ${serial}`}`;
}

export function matches(address: PortAddress, port: PortInfo): boolean {
  if ("file" in address) return port.path === address.file;
  const { vid, pid, serial } = address.usb;
  const agrees = <T>(wanted: T | undefined, is: T | undefined): boolean => wanted === undefined || wanted === is;
  return port.vid !== undefined && agrees(vid, port.vid) && agrees(pid, port.pid) && agrees(serial, port.serial);
}

/** Where the ports come from: a list, and hints that something happened to a path (undefined: look at all). */
export interface PortSource {
  list(): Promise<PortInfo[]>;
  hints(onHint: (path?: string) => void): () => void;
}

const same = (a: PortInfo, b: PortInfo): boolean =>
  a.path === b.path && a.vid === b.vid && a.pid === b.pid && a.serial === b.serial;

/**
 * Turns lists and hints into changes. A device that goes and comes between two lists looks the same in both: a hint on its
 * path tells, so that it is reported removed and added all the same.
 */
export function createPorts(source: PortSource): Ports {
  const listeners = new Set<(change: PortChange) => void>();
  let known: PortInfo[] = [];
  let touched = new Set<string>();
  let running: Promise<void> | undefined;
  let again = false;
  let stop: (() => void) | undefined;

  const tell = (change: PortChange): void => {
    for (const listener of [...listeners]) listener(change);
  };

  async function look(): Promise<void> {
    const replaced = touched;
    touched = new Set();
    const now = await source.list();
    const before = known;
    known = now;
    const stays = (port: PortInfo, others: PortInfo[]): boolean =>
      !replaced.has(port.path) && others.some((other) => same(port, other));
    for (const port of before) if (!stays(port, now)) tell({ kind: "removed", port });
    for (const port of now) if (!stays(port, before)) tell({ kind: "added", port });
  }

  /** One look at a time; a hint during one asks for another. */
  function hint(path?: string): void {
    if (path !== undefined) touched.add(path);
    if (running !== undefined) {
      again = true;
      return;
    }
    running = look()
      // A list that fails says nothing about the ports; the next hint looks again.
      .catch(() => undefined)
      .finally(() => {
        running = undefined;
        if (!again) return;
        again = false;
        hint();
      });
  }

  return {
    list: () => source.list(),
    watch(listener) {
      listeners.add(listener);
      if (stop === undefined) {
        stop = source.hints(hint);
        hint();
      }
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0) return;
        stop?.();
        stop = undefined;
        known = [];
      };
    },
  };
}
