import { hostPort } from "@mltb/contract";

export interface HostPort {
  host: string;
  port: number;
}

/** Where an agent listens, or where it can be called. */
export interface Places {
  grpc: HostPort;
  http: HostPort;
  metrics: HostPort;
}

/** The places in the words of the ready line and of the birth. */
export function addressesOf(at: Places, scheme: "http" | "https"): { grpc: string; http: string; metrics: string } {
  const of = ({ host, port }: HostPort): string => hostPort(host, port);
  return { grpc: of(at.grpc), http: `${scheme}://${of(at.http)}`, metrics: `${scheme}://${of(at.metrics)}/metrics` };
}

/** Where others can call an agent that listens there: under another host, and gRPC on another port, where so is said. */
export function advertised(at: Places, by: { host: string; port?: number } | undefined): Places {
  if (by === undefined) return at;
  const { host } = by;
  return {
    grpc: { host, port: by.port ?? at.grpc.port },
    http: { ...at.http, host },
    metrics: { ...at.metrics, host },
  };
}
