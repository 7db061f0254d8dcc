import { createHash, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isLoopback } from "@mltb/contract";

/** After SIGTERM, how long open calls may still take; then they are cut. */
export const DRAIN_MS = 10_000;

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

/** The token of a file; throws where the file is missing or holds none. What it holds is never told. */
export function readToken(file: string): string {
  const token = readFileSync(file, "utf8").trim();
  if (!/^[A-Za-z0-9_-]+$/.test(token)) throw new Error(`${file} holds no token: one line of [A-Za-z0-9_-] is wanted`);
  return token;
}

/** Reads certificate, key and token; throws where a file is missing or the token is none. */
export function readAccess(options: { tls?: string; tokenFile?: string }): Access {
  const { tls, tokenFile } = options;
  const wanted = tokenFile === undefined ? undefined : digest(`Bearer ${readToken(tokenFile)}`);
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
      return name !== null && isLoopback(name[1] ?? name[2] ?? "");
    },
  };
}
