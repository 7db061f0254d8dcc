import { createHash, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** After SIGTERM, how long open calls may still take; then they are cut. */
export const DRAIN_MS = 10_000;

/** An address that only this machine can reach. */
export function loopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** Who may call, and over what. */
export interface Access {
  tls: { cert: Buffer; key: Buffer } | undefined;
  readonly needsToken: boolean;
  /** Whether an `authorization` header or metadata admits its sender. */
  admits(authorization: string | undefined): boolean;
  /** Whether an HTTP `Host` names this machine: without a token, names that a foreign page could choose are refused. */
  admitsHost(host: string | undefined): boolean;
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** Reads certificate, key and token; throws where a file is missing or the token is none. */
export function readAccess(options: { tls?: string; tokenFile?: string }): Access {
  const { tls, tokenFile } = options;
  const token = tokenFile === undefined ? undefined : readFileSync(tokenFile, "utf8").trim();
  if (token !== undefined && !/^[A-Za-z0-9_-]+$/.test(token)) {
    throw new Error(`${tokenFile} holds no token: one line of [A-Za-z0-9_-] is wanted`);
  }
  const wanted = token === undefined ? undefined : digest(`Bearer ${token}`);
  return {
    tls:
      tls === undefined
        ? undefined
        : { cert: readFileSync(join(tls, "cert.pem")), key: readFileSync(join(tls, "key.pem")) },
    needsToken: wanted !== undefined,
    admits: (authorization) =>
      wanted === undefined || (authorization !== undefined && timingSafeEqual(digest(authorization), wanted)),
    admitsHost: (host) => {
      if (wanted !== undefined) return true;
      const name = /^(?:\[([^\]]+)\]|([^:]*))(?::\d+)?$/.exec(host ?? "");
      return name !== null && loopback(name[1] ?? name[2] ?? "");
    },
  };
}
