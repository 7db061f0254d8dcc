import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { isLoopback, NAME } from "@mltb/contract";
import { type Access, readAccess, readToken } from "./access.ts";
import type { HostPort } from "./addresses.ts";
import { foreignServer } from "./runtimes/index.ts";
import type { ForeignServer } from "./runtimes/runtime.ts";
import { AgentStartError } from "./start-error.ts";

/** What an agent is started with, under the names that the command line gives its options (`host/cli/src/commands/agent.ts`). */
export interface InferenceAgentOptions {
  models?: string;
  runtime: string;
  threads: number;
  grpc?: HostPort;
  http?: HostPort;
  metrics?: HostPort;
  /** Where others can call the agent; it listens on a loopback or wildcard address, or behind a router. */
  advertise?: { host: string; port?: number };
  tls?: string;
  tokenFile?: string;
  /** Certificates and token for the foreign server of an `oips://` runtime. */
  oipCa?: string;
  oipTokenFile?: string;
  memoryLimit?: number;
  timeLimit?: number;
  /** Largest request in MiB. */
  messageLimit?: number;
  mqtt?: false | string;
  mqttUser?: string;
  mqttPasswordFile?: string;
  bay?: string;
  name?: string;
  target?: string;
  /** A file that takes 1 and 0: the line to the rack's marker input. */
  marker?: string;
}

/** Checks where the agent shall listen and who may call; throws a usage error before anything is started. */
export function accessOf(options: InferenceAgentOptions): Access {
  const open = [options.grpc, options.http, options.metrics].find((at) => at !== undefined && !isLoopback(at.host));
  if (open !== undefined && (options.tls === undefined || options.tokenFile === undefined)) {
    throw new AgentStartError(
      "usage",
      `${open.host} is not a loopback address`,
      "other addresses need --tls DIR and --token-file FILE",
    );
  }
  try {
    return readAccess(options);
  } catch (error) {
    throw new AgentStartError("usage", (error as Error).message);
  }
}

/** The foreign server that the runtime drives; throws a usage error where it cannot be called as the options say. */
export function foreignOf(options: InferenceAgentOptions): ForeignServer | undefined {
  const [oipCa, oipTokenFile] = [options.oipCa, options.oipTokenFile].map((file) => file && resolve(file));
  const server = foreignServer(options.runtime, { oipCa, oipTokenFile });
  if (server?.tls !== true && (oipCa ?? oipTokenFile) !== undefined) {
    const mend = "name the server as oips://HOST:PORT, or leave them out";
    throw new AgentStartError("usage", `--oip-ca and --oip-token-file go with a server over TLS`, mend);
  }
  try {
    if (oipCa !== undefined) readFileSync(oipCa);
    if (oipTokenFile !== undefined) readToken(oipTokenFile);
  } catch (error) {
    throw new AgentStartError("usage", (error as Error).message);
  }
  return server;
}

/** Throws a usage error where a folder that is named is none. */
export function checkFolder(folder: string | undefined): void {
  if (folder === undefined || statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return;
  throw new AgentStartError("usage", `there is no folder ${folder}`, "give --models an existing folder");
}

/** Throws a usage error where the agent's name is none: a broker keeps what is said under names alone. */
export function checkName(name: string | undefined): void {
  if (name === undefined || NAME.test(name)) return;
  const mend = "a name has 1 to 32 characters: lower-case letters, digits and dashes, not a dash first";
  throw new AgentStartError("usage", `${JSON.stringify(name.slice(0, 80))} is no name of an agent`, mend);
}
