import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { hostname, userInfo } from "node:os";
import { CliError } from "../errors.ts";
import { type BayClient, faultOf, unreachable } from "./bay-client.ts";

/** A lease as the API shows it. */
export interface Lease {
  id: string;
  targets: string[];
  holder: string;
  expires_at: string;
  fence: number;
}

/** Who asks, for people: user and host, as much of them as a display can show. */
function holderName(): string {
  const { username } = userInfo();
  return `${username}@${hostname()}`.replace(/[^\x20-\x7d]/g, "?").slice(0, 64);
}

/** Leases targets, waiting for its turn; undefined where the signal ended the wait. Refusals are thrown. */
export async function acquireLease(
  bay: BayClient,
  wanted: {
    targets: string[];
    ttl_s: number;
    wait_s: number;
    priority: number;
    holder: string | undefined;
    /** The lease ends with the connection that asked, or with the stream that is opened for it meanwhile. */
    hold: boolean;
    signal: AbortSignal;
    note(text: string): void;
  },
): Promise<Lease | undefined> {
  const { targets, ttl_s, wait_s, priority, hold, signal, note } = wanted;
  const body = { targets, ttl_s, priority, hold, holder: wanted.holder ?? holderName() };
  try {
    return await post(bay, body, signal);
  } catch (error) {
    if (signal.aborted) return undefined;
    if (wait_s === 0 || !(error instanceof CliError) || error.faults[0]?.code !== "leased") throw error;
    note(`waiting: ${error.message}`);
  }
  try {
    return await post(bay, { ...body, wait_s }, signal);
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}

/** A request whose answer may take days: `fetch` gives up after five minutes. */
function post(bay: BayClient, body: object, signal: AbortSignal): Promise<Lease> {
  const url = new URL(`${bay.url}/api/v1/leases`);
  const send = url.protocol === "https:" ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${bay.token}`, "content-type": "application/json" };
    const sent = send(url, { method: "POST", headers, signal }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("error", (error) => reject(unreachable(bay.url, error)));
      response.on("end", () => {
        if (response.statusCode === 201) resolve(JSON.parse(text) as Lease);
        else reject(faultOf(response.statusCode ?? 500, text));
      });
    });
    sent.on("error", (error) => reject(unreachable(bay.url, error)));
    sent.end(JSON.stringify(body));
  });
}
