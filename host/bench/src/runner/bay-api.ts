import type { TargetView } from "@mltb/contract";
import type { WindowTerm } from "../results/energy.ts";

/** How to reach a bay. */
export interface BayAddress {
  http: string;
  token: string;
  mqtt: string;
  mqttUser: string;
  mqttPassword: string;
}

/** A recording as the supervisor hands it over, in device time. */
export interface RecordingDocument {
  id: string;
  target: string;
  simulated: string[];
  nominal_v: number;
  board_revision: string;
  firmware: string | null;
  rate_hz: number;
  samples: { received: number; lost: number };
  markers: { level: number; tick_us: number }[];
  trace: { first_tick_us: number; period_us: number; current_a: number[]; voltage_v: number[] };
  windows: {
    start_tick: number;
    stop_tick: number;
    duration_us: number;
    /** Null where the energy of the window is refused. */
    energy_uj: number | null;
    mean_power_w: number | null;
    samples_lost: number;
    /** Why there is no energy. */
    refused: string | null;
    terms: WindowTerm[];
  }[];
}

/** What the bench asks of a bay. */
export interface BayApi {
  target(name: string): Promise<TargetView>;
  power(name: string, state: "on" | "off"): Promise<TargetView>;
  startRecording(target: string): Promise<string>;
  stopRecording(id: string): Promise<RecordingDocument>;
}

/** A step of a run that failed; the message names the step and the reason. */
export class RunError extends Error {}

/** The bay's HTTP API. */
export function httpBay(address: BayAddress): BayApi {
  async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${address.http}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${address.token}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch((error: Error) => {
      throw new RunError(`${method} ${path}: the bay does not answer (${error.message})`);
    });
    const document = (await response.json()) as T & { detail?: string };
    if (!response.ok) throw new RunError(`${method} ${path}: ${document.detail ?? response.status}`);
    return document;
  }
  return {
    target: (name) => call("GET", `/targets/${name}`),
    power: (name, state) => call("PUT", `/targets/${name}/power`, { state }),
    startRecording: async (target) => (await call<{ id: string }>("POST", `/targets/${target}/recordings`, {})).id,
    stopRecording: (id) => call("POST", `/recordings/${id}/stop`, {}),
  };
}
