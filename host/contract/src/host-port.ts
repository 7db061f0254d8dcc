import { BlockList, isIP } from "node:net";
import { z } from "./schema.ts";

/** HOST:PORT as files name it; IPv6 addresses stand in brackets. */
export const hostPortSchema = z.string().regex(/^(\[[^\]]+\]|[^:\s]+):\d{1,5}$/, "HOST:PORT is wanted");

const local = new BlockList();
local.addSubnet("127.0.0.0", 8, "ipv4");
local.addAddress("::1", "ipv6");
const every = new BlockList();
// Linux takes all of 0.0.0.0/8 for this machine.
every.addSubnet("0.0.0.0", 8, "ipv4");
every.addAddress("::", "ipv6");

function holds(list: BlockList, host: string): boolean {
  const kind = isIP(host);
  return kind !== 0 && list.check(host, kind === 4 ? "ipv4" : "ipv6");
}

/** The host of HOST:PORT, without brackets. */
export function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(":")).replace(/^\[(.*)\]$/, "$1");
}

/** HOST:PORT of a host and a port. */
export function hostPort(host: string, port: number): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** A host that only this machine can reach. */
export function isLoopback(host: string): boolean {
  return /^(.+\.)?localhost\.?$/i.test(host) || holds(local, host);
}

/** A host that stands for all addresses of a machine: one can listen there, and nobody else can call it. */
export function isWildcard(host: string): boolean {
  return host === "" || host === "*" || host === "0" || holds(every, host);
}
