import { type Bay, type BayBoard, BayError } from "@mltb/contract";
import type { Logger } from "pino";
import type { ConsoleSource } from "./features/console.ts";
import { isLoopback } from "./http/guard.ts";
import type { ByteTransport } from "./link/transport.ts";

export type { Logger };

/** `named`: the port was asked for by name, so that it must be free; else a free one is taken where it is not. */
export interface Listener {
  host: string;
  port: number;
  named: boolean;
}

/** Configurations of experiments by their hash, or by the beginning of it. */
export interface Configurations {
  /** Undefined where there is none, or where several begin so. */
  get(hash: string): Promise<{ hash: string; experiments: unknown[] } | undefined>;
  /** Parameters of a component; undefined where the configuration or the component is not known. */
  parameters(hash: string, component: string): Promise<Record<string, unknown> | undefined>;
}

export interface SupervisorOptions {
  bay: Bay;
  openBoard(board: BayBoard): ByteTransport;
  console?(target: string): ConsoleSource | undefined;
  http: Listener;
  /** Where `mltb.board.v1` is served; a free port on loopback where it is not given. */
  grpc?: Listener;
  mqtt: Listener | { broker: string; user: string; password: string; ca?: Buffer };
  /** Requests per second; those of `RATES` where they are not given. */
  rates?: { login: number; stranger: number };
  /** Drop-in faces for clients of pdudaemon, labgrid and Redfish, with HTTP Basic. */
  compat?: boolean;
  /** pdudaemon's verbs without login, on loopback only. */
  compatPdudaemon?: Listener;
  stateDir: string;
  /** Certificate and key: the HTTP API is served over TLS. */
  tls?: { cert: Buffer; key: Buffer };
  /** Listens on other addresses than loopback without TLS. */
  insecure?: boolean;
  /** Names by which HTTP requests may address the bay, beside addresses, localhost and this machine's name. */
  allowHosts?: string[];
  /** Time between two measurements of a target on MQTT, in steps of 10 ms and 100 at least; 200 where it is not given. */
  measure_ms?: number;
  /** Sockets of broker and client without Nagle's algorithm; on unless a measurement switches it off. */
  noDelay?: boolean;
  /** Configurations of experiments that were run; without it none are known. */
  configurations?: Configurations;
  /** Told of every press on a rack's own panel. */
  onButton?(rack: string, button: string, press: string): void;
  log: Logger;
}

/** Secrets do not travel in the clear: another address than loopback needs TLS, or the word of the operator. */
export function refuseInsecure(options: SupervisorOptions): void {
  const { compatPdudaemon } = options;
  if (compatPdudaemon !== undefined && !isLoopback(compatPdudaemon.host)) {
    throw new BayError(
      "insecure_listener",
      `pdudaemon's verbs need no login; they are not served on ${compatPdudaemon.host}`,
      "name a loopback address, such as 127.0.0.1:16421",
    );
  }
  if (options.insecure === true) return;
  if (options.tls !== undefined) return;
  const mqtt = "broker" in options.mqtt ? undefined : options.mqtt;
  const open = [options.http, options.grpc, mqtt].find(
    (listener) => listener !== undefined && !isLoopback(listener.host),
  );
  if (open !== undefined) {
    throw new BayError(
      "insecure_listener",
      `${open === options.http ? "HTTP" : open === mqtt ? "MQTT" : "gRPC"} on ${open.host} would send secrets in the clear`,
      "give --tls CERT,KEY, or --insecure-listen where the network is trusted",
    );
  }
}
