import { type FSWatcher, realpathSync, watch } from "node:fs";
import { readdir, readFile, realpath } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createPorts, type PortInfo, type Ports } from "./ports.ts";
import { listSerialPorts } from "./serial.ts";

/** Ports of USB devices; the others of `/sys/class/tty` are consoles and UARTs, which do not come and go. */
const USB_TTY = /^tty(ACM|USB)\d+$/;
/** Directories from the port up to the device that it belongs to. */
const DEPTH = 6;
/** Without news of the file system the list is read at this interval. */
const POLL_MS = 1000;

async function text(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, "utf8")).trim();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // A device that goes while it is being read is one that is gone.
    if (code === "ENOENT" || code === "ENODEV" || code === "EIO") return undefined;
    throw error;
  }
}

/**
 * USB serial ports as the kernel's sysfs names them: at once when they appear, where udev's database follows later or,
 * in a container, never.
 */
export async function listUsbPorts(sysfs = "/sys", dev = "/dev"): Promise<PortInfo[]> {
  const found: PortInfo[] = [];
  for (const name of (await readdir(join(sysfs, "class/tty"))).filter((entry) => USB_TTY.test(entry)).sort()) {
    let folder = await realpath(join(sysfs, "class/tty", name, "device")).catch(() => undefined);
    for (let up = 0; folder !== undefined && up < DEPTH; up += 1) {
      const [vid, pid] = [await text(join(folder, "idVendor")), await text(join(folder, "idProduct"))];
      if (vid !== undefined && pid !== undefined) {
        const serial = await text(join(folder, "serial"));
        const ids = { vid: Number.parseInt(vid, 16), pid: Number.parseInt(pid, 16) };
        found.push({ path: join(dev, name), ...ids, ...(serial === undefined ? {} : { serial }) });
        break;
      }
      folder = dirname(folder);
    }
  }
  return found;
}

/** The file behind a name that the user keeps, so that a link which points elsewhere is another port. */
function fileBehind(file: string): string | undefined {
  try {
    return realpathSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/**
 * The ports of this machine, and the files of the bay that stand for ports (links to pseudo-terminals, UARTs). They are asked for
 * at each look: a reload may bring others.
 */
export function systemPorts(files: () => string[]): Ports {
  const list = async (): Promise<PortInfo[]> => {
    const usb =
      process.platform === "linux" ? await listUsbPorts().catch(() => listSerialPorts()) : await listSerialPorts();
    return [
      ...usb,
      ...files()
        .filter((file) => fileBehind(file) !== undefined)
        .map((path) => ({ path })),
    ];
  };
  return createPorts({
    list,
    hints(onHint) {
      const watchers: FSWatcher[] = [];
      for (const folder of new Set(["/dev", ...files().map((file) => dirname(file))])) {
        try {
          const watcher = watch(folder, { persistent: false }, (_event, name) => {
            const path = name === null ? undefined : join(folder, name);
            if (path === undefined || files().includes(path) || USB_TTY.test(name ?? "")) onHint(path);
          });
          // The poll below goes on looking.
          watcher.on("error", () => watcher.close());
          watchers.push(watcher);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
        }
      }
      const poll = setInterval(() => onHint(), POLL_MS);
      poll.unref();
      return () => {
        clearInterval(poll);
        for (const watcher of watchers) watcher.close();
      };
    },
  });
}
