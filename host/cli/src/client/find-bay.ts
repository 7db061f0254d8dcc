import { readFileSync } from "node:fs";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import type { BayAddress } from "@mltb/bench";
import { runningBay, stateFolder } from "../bay/state.ts";
import { cliError, Exit } from "../errors.ts";
import { BayClient } from "./bay-client.ts";

export interface BayOptions {
  state?: string;
  url?: string;
  tokenFile?: string;
}

/** Reads a secret of one line. */
export function readSecret(path: string, what: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    throw cliError(
      Exit.unreachable,
      "secret-unreadable",
      `${what} ${path} cannot be read: ${(error as Error).message}`,
    );
  }
}

/** A client of the bay that is up: options first, then the environment, then the state folder. */
export function findBay(options: BayOptions): BayClient {
  const client = findBayIfUp(options);
  if (client !== undefined) return client;
  throw cliError(
    Exit.unreachable,
    "no-bay",
    `no bay is up (looked in ${stateFolder(options.state)})`,
    "start one with `mltb up --bay FILE`, or name one with --url and --token-file",
  );
}

/** Trusts the certificate that the bay shows, for this process. */
function trust(file: string): void {
  setDefaultCACertificates([...getCACertificates(), readSecret(file, "certificate")]);
}

export function findBayIfUp(options: BayOptions): BayClient | undefined {
  const url = options.url ?? process.env["MLTB_URL"];
  const tokenFile = options.tokenFile ?? process.env["MLTB_TOKEN_FILE"];
  const state = runningBay(stateFolder(options.state));
  if (state?.tls_certificate !== undefined) trust(state.tls_certificate);
  if (url !== undefined) {
    const file = tokenFile ?? (state?.http === url ? state.token_file : undefined);
    if (file === undefined) {
      throw cliError(
        Exit.usage,
        "no-token",
        `a token is needed for ${url}`,
        "give --token-file FILE or MLTB_TOKEN_FILE",
      );
    }
    return new BayClient(url, readSecret(file, "token file"), state?.http === url ? state : undefined, file);
  }
  if (state === undefined) return undefined;
  const file = tokenFile ?? state.token_file;
  return new BayClient(state.http, readSecret(file, "token file"), state, file);
}

/** What the bench needs to reach a bay. The MQTT side is known only for a bay found through its state folder. */
export function addressOf(client: BayClient): BayAddress {
  if (client.state === undefined) {
    throw cliError(
      Exit.usage,
      "no-mqtt",
      "an experiment also needs the bay's MQTT address and password",
      "run it where the bay's state folder is, with --state DIR",
    );
  }
  return {
    http: client.url,
    token: client.token,
    mqtt: client.state.mqtt_local,
    mqttUser: client.state.mqtt_user,
    mqttPassword: readSecret(client.state.mqtt_password_file, "MQTT password file"),
  };
}
