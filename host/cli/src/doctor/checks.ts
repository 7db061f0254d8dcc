import { accessSync, constants, existsSync, readdirSync, readFileSync, statfsSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { connect, createServer } from "node:net";
import { monitoringUsb } from "@mltb/hardware";

/** One thing that was looked at. A `warning` limits what can be done, a `fault` stops it. */
export interface Finding {
  check: string;
  state: "ok" | "warning" | "fault";
  detail: string;
  /** What to do about it. */
  mend?: string;
}

const ok = (check: string, detail: string): Finding => ({ check, state: "ok", detail });
const warning = (check: string, detail: string, mend: string): Finding => ({ check, state: "warning", detail, mend });
const fault = (check: string, detail: string, mend: string): Finding => ({ check, state: "fault", detail, mend });

/** Least room for state, records and recordings. */
const ROOM_BYTES = 200 * 1024 * 1024;
const RULE_FOLDERS = ["/etc/udev/rules.d", "/usr/lib/udev/rules.d", "/lib/udev/rules.d", "/run/udev/rules.d"];

const hex = (id: number): string => id.toString(16).padStart(4, "0");

export function versions(): Finding[] {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const fits = major > 22 || (major === 22 && minor >= 18);
  const node = `Node ${process.versions.node} on ${process.platform} ${process.arch}`;
  return [
    fits
      ? ok("node", node)
      : fault("node", `${node} is too old to run the sources`, "npm run setup installs a newer one beside the sources"),
  ];
}

/** Packages that some commands need; without agents boards, leases, power and measurement work. */
export function packages(): Finding[] {
  const require = createRequire(import.meta.url);
  const found: Finding[] = [];
  for (const [name, what, needed] of [
    ["serialport", "serial ports", true],
    ["@mltb/simulators", "simulated boards", false],
    ["@mltb/agent-inference", "the inference agent", false],
  ] as const) {
    try {
      require.resolve(name);
      found.push(ok(`package ${name}`, `${what} can be used`));
    } catch {
      const detail = `not installed: ${what} cannot be used`;
      const mend = "run `npm run setup`, or see docs/install.md for small machines";
      found.push(needed ? fault(`package ${name}`, detail, mend) : warning(`package ${name}`, detail, mend));
    }
  }
  return found;
}

/** Whether rules for our boards are where udev reads them. */
export function udev(folders = RULE_FOLDERS): Finding[] {
  if (process.platform !== "linux") return [];
  const wanted = `ATTRS{idVendor}=="${hex(monitoringUsb.vendor_id)}"`;
  for (const folder of folders) {
    const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".rules")) : [];
    for (const name of names) {
      const file = `${folder}/${name}`;
      try {
        if (readFileSync(file, "utf8").includes(wanted)) return [ok("udev rules", file)];
      } catch {
        // A rule that cannot be read is none of ours.
      }
    }
  }
  const mend =
    "sudo cp packaging/udev/70-mltb.rules /etc/udev/rules.d/ && sudo udevadm control --reload && sudo udevadm trigger";
  return [warning("udev rules", "no rule gives users access to MLTB's boards", mend)];
}

/** Boards on USB now, and whether this user may open them. */
export function usbPorts(ports: { path: string; vid?: number; pid?: number; serial?: string }[]): Finding[] {
  const ours = ports.filter((port) => port.vid === monitoringUsb.vendor_id && port.pid === monitoringUsb.product_id);
  if (ours.length === 0) return [ok("ports", `no MLTB board on USB (${ports.length} other serial ports)`)];
  return ours.map(({ path, serial }) => access(`board ${serial ?? "without a serial number"}`, path));
}

/** Whether this user may open a port. */
export function access(check: string, path: string): Finding {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return ok(check, `${path} can be opened`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return fault(check, `${path} is not there`, "plug the board in, or correct the bay file");
    return fault(
      check,
      `${path}: permission denied`,
      "install the udev rules, or `sudo usermod -aG dialout $USER` and log in again",
    );
  }
}

export function stateFolder(folder: string): Finding[] {
  if (!existsSync(folder)) return [ok("state folder", `${folder} will be made`)];
  const found: Finding[] = [];
  const { mode } = statSync(folder);
  try {
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    found.push(
      (mode & 0o077) === 0
        ? ok("state folder", folder)
        : warning("state folder", `${folder} can be read by others; it holds secrets`, `chmod 700 ${folder}`),
    );
  } catch {
    found.push(fault("state folder", `${folder} cannot be written`, "give --state DIR, or mend its owner"));
  }
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  const text = `${Math.round(free / 1024 / 1024)} MB free`;
  found.push(
    free >= ROOM_BYTES ? ok("disk", text) : warning("disk", text, "make room: records and recordings are kept there"),
  );
  return found;
}

/** Whether a port of this machine is free for a bay. */
export function listener(what: string, port: number): Promise<Finding> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      const detail = error.code === "EADDRINUSE" ? `port ${port} is in use` : error.message;
      resolve(warning(what, detail, "a free port is taken instead, unless one is named"));
    });
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(ok(what, `port ${port} is free`))));
  });
}

/** Whether something listens at a URL. */
export function reachable(what: string, url: string): Promise<Finding> {
  const { hostname, port, protocol } = new URL(url);
  const number = Number(port) || (protocol === "mqtts:" ? 8883 : protocol === "mqtt:" ? 1883 : 80);
  return new Promise((resolve) => {
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ""), port: number, timeout: 2000 });
    const end = (finding: Finding): void => {
      socket.destroy();
      resolve(finding);
    };
    socket.once("connect", () => end(ok(what, `${url} answers`)));
    socket.once("timeout", () => end(fault(what, `${url} does not answer`, "is it running, is a firewall between?")));
    socket.once("error", (error) => end(fault(what, `${url}: ${error.message}`, "start it, or correct the address")));
  });
}
