import { type Bay, type BayBoard, type BayRack, type BayTarget, bayTargets } from "@mltb/contract";
import { execTransport } from "../device/exec-board.ts";
import { findOne, portTransport } from "./port-transport.ts";
import type { PortAddress, Ports } from "./ports.ts";
import { openSerialPort } from "./serial.ts";
import { systemPorts } from "./system-ports.ts";
import { tcpTransport } from "./tcp.ts";
import type { ByteTransport } from "./transport.ts";

type Link = Exclude<BayBoard["link"], "simulated">;

/** The serial number that a board must name in its welcome; undefined where the bay file gives none. */
export function serialNumber(link: BayBoard["link"]): string | undefined {
  if (typeof link === "string") return undefined;
  if ("usb" in link) return link.usb.serial;
  return "serial_number" in link ? link.serial_number : undefined;
}

/** By what a board's port is known; undefined for links that have none. */
export function portAddress(link: BayBoard["link"]): PortAddress | undefined {
  if (typeof link === "string" || "tcp" in link || "exec" in link) return undefined;
  if ("usb" in link) return { usb: link.usb };
  return "serial" in link ? { file: link.serial } : { usb: { serial: link.serial_number } };
}

/** Where the port of a link or a console is now; rejects with the reason where there is none. */
export async function findPort(link: Link | NonNullable<BayTarget["console"]>, ports: Ports): Promise<string> {
  const address = "baud" in link ? ("usb" in link ? { usb: link.usb } : { file: link.serial }) : portAddress(link);
  return (await findOne(address as PortAddress, ports)).path;
}

/** The transport of a rack's board; simulated boards bring their own. */
export function linkTransport(rack: BayRack, ports: Ports): ByteTransport {
  const link = rack.board.link as Link;
  if ("exec" in link) return execTransport(rack.board.name, link, rack.targets);
  if ("tcp" in link) {
    const at = link.tcp.lastIndexOf(":");
    return tcpTransport(link.tcp.slice(0, at).replace(/^\[|\]$/g, ""), Number(link.tcp.slice(at + 1)));
  }
  return portTransport(portAddress(link) as PortAddress, ports, openSerialPort);
}

/** A serial port by a file that stands for it, such as a pseudo-terminal. */
export function fileTransport(file: string): ByteTransport {
  return portTransport(
    { file },
    systemPorts(() => [file]),
    openSerialPort,
  );
}

/** Files that stand for ports of a bay's boards and consoles. */
function portFiles(bay: Bay): string[] {
  const consoles = bayTargets(bay).map(({ target }) => target.console);
  const files = [
    ...bay.racks
      .map((rack) => portAddress(rack.board.link))
      .map((address) => (address !== undefined && "file" in address ? address.file : undefined)),
    ...consoles.map((console) => (console !== undefined && "serial" in console ? console.serial : undefined)),
  ];
  return files.filter((file) => file !== undefined);
}

/** The ports that a bay's boards and consoles may be on, also those that its racks get with a reload. */
export function bayPorts(bay: Bay): Ports {
  return systemPorts(() => portFiles(bay));
}
