import { isIP } from "node:net";
import { hostname } from "node:os";

/** The host of an authority such as `127.0.0.1:8480` or `[::1]:8480`; undefined where it is none. */
function hostOf(authority: string): string | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]/@\s]+))(?::\d{1,5})?$/.exec(authority);
  return (match?.[1] ?? match?.[2])?.toLowerCase();
}

/** Whether an address is reached from this machine only. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/**
 * Tells requests that a foreign page sent from a user's browser. A page can point a name of its own at this machine (DNS
 * rebinding), but not make the browser send an address or this machine's name as `Host`; and what another origin sends
 * says so in `Origin`.
 */
export class OriginGuard {
  private readonly names: Set<string>;

  /** `names`: further names under which this bay is reached, such as that of a reverse proxy. */
  constructor(names: string[]) {
    this.names = new Set(["localhost", hostname().toLowerCase(), ...names.map((name) => name.toLowerCase())]);
  }

  /**
   * What is wrong with a request's `Host`, `Origin` and `Sec-Fetch-Site`; undefined when they are ours. An image or a link of
   * another page sends no `Origin`, but every browser of today says where it comes from (Fetch Metadata).
   */
  fault(headers: { host?: string; origin?: string; "sec-fetch-site"?: string }): string | undefined {
    const host = hostOf(headers.host ?? "");
    if (host === undefined || (isIP(host) === 0 && !this.names.has(host))) {
      return `this bay does not answer for the host ${JSON.stringify((headers.host ?? "").slice(0, 80))}`;
    }
    const site = headers["sec-fetch-site"] ?? "none";
    if (site !== "none" && site !== "same-origin")
      return `requests from another site (${site.slice(0, 20)}) are refused`;
    const { origin } = headers;
    if (origin === undefined) return undefined;
    if (/^https?:\/\//.test(origin) && origin.replace(/^https?:\/\//, "") === headers.host) return undefined;
    return `requests from the origin ${JSON.stringify(origin.slice(0, 80))} are refused`;
  }
}
