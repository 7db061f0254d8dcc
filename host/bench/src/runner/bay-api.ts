import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import type { CalibrationRecord, CalibrationView, Meter, TargetView } from "@mltb/contract";
import type { WindowTerm } from "../results/energy.ts";

/** How to reach a bay. */
export interface BayAddress {
  http: string;
  token: string;
  mqtt: string;
  mqttUser: string;
  mqttPassword: string;
  /** A lease that the caller has already, and its targets: it is used and not given back. */
  lease?: { id: string; targets: string[] };
}

/** A recording as the supervisor hands it over, in device time. */
export interface RecordingDocument {
  id: string;
  target: string;
  simulated: string[];
  nominal_v: number;
  board_revision: string;
  firmware: string | null;
  /** Parts that measured, the current's range and how often; missing in recordings of older supervisors. */
  meter?: Meter;
  /** What the scales of the samples followed, and with `board` what the board stored. */
  calibration: CalibrationView["source"];
  calibration_record: CalibrationRecord | null;
  rate_hz: number;
  samples: { received: number; lost: number };
  /** Requests to the board, and presses of its buttons, that fell into a window; missing in recordings of older supervisors. */
  requests_inside?: number;
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

/** A board that is leased while the connection to the supervisor is open. */
export interface Held {
  id: string;
  /** Raised when the lease has ended before it was given back. */
  lost: AbortSignal;
  release(): Promise<void>;
  /** Lets go of it without waiting: the lease ends, and its end is for the supervisor to deal with. */
  drop(): void;
}

/** What the bench asks of a bay. */
export interface BayApi {
  target(name: string): Promise<TargetView>;
  /** A command under the same `key` runs once. */
  power(name: string, state: "on" | "off", lease: string | undefined, key: string): Promise<TargetView>;
  /** Waits for its turn, for `wait_s` where that is given. */
  lease(target: string, holder: string, signal: AbortSignal, wait_s?: number): Promise<Held>;
  startRecording(target: string): Promise<string>;
  stopRecording(id: string): Promise<RecordingDocument>;
  /** The file of what a stopped recording has of a target's rail (docs/recordings.md). */
  samples(id: string, target: string): Promise<Uint8Array>;
}

/** A step of a run that failed; the message names the step and the reason. */
export class RunError extends Error {}

/** Why a call was interrupted: the reason of its signal where that says more than that it was. */
export function interruption(signal: AbortSignal): RunError {
  return signal.reason instanceof RunError ? signal.reason : new RunError("interrupted");
}

/** A lease is renewed long before it ends, so that a renewal or two may fail; it ends by itself when this process hangs. */
const TIMES = { lease_s: 120, renew_ms: 40_000 };
/** How long a board that somebody else has leased is waited for. */
const WAIT_S = 24 * 3600;

type Headers = Record<string, string | undefined>;

/** Asks for a lease and waits for its turn, which may take days: `fetch` gives up after five minutes without an answer. */
function queue(address: BayAddress, body: object, signal: AbortSignal): Promise<string> {
  const url = new URL(`${address.http}/api/v1/leases`);
  const send = url.protocol === "https:" ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => {
      const reason = signal.aborted ? "interrupted" : `POST /leases: the bay does not answer (${error.message})`;
      reject(new RunError(reason));
    };
    const headers = { authorization: `Bearer ${address.token}`, "content-type": "application/json" };
    const sent = send(url, { method: "POST", headers, signal }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("error", failed);
      response.on("end", () => {
        if (response.statusCode === 201) resolve((JSON.parse(text) as { id: string }).id);
        else reject(new RunError(`POST /leases: ${detailOf(text) ?? response.statusCode}`));
      });
    });
    sent.on("error", failed);
    sent.end(JSON.stringify(body));
  });
}

/** The sentence of a problem document; undefined where the answer is none. */
function detailOf(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { detail?: string }).detail;
  } catch {
    // A proxy in between answers in its own words.
    return undefined;
  }
}

/** The bay's HTTP API; leases last and are renewed as `times` says. */
export function httpBay(address: BayAddress, { lease_s, renew_ms } = TIMES): BayApi {
  async function send(
    method: string,
    path: string,
    body: unknown,
    headers: Headers,
    signal?: AbortSignal,
  ): Promise<Response> {
    const given = Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined);
    return fetch(`${address.http}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${address.token}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...Object.fromEntries(given),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    }).catch((error: Error) => {
      if (signal?.aborted) throw new RunError("interrupted");
      throw new RunError(`${method} ${path}: the bay does not answer (${error.message})`);
    });
  }
  async function call<T>(
    method: string,
    path: string,
    body?: unknown,
    headers: Headers = {},
    signal?: AbortSignal,
  ): Promise<T> {
    const response = await send(method, path, body, headers, signal);
    if (response.status === 204) return undefined as T;
    const document = (await response.json()) as T & { detail?: string };
    if (!response.ok) throw new RunError(`${method} ${path}: ${document.detail ?? response.status}`);
    return document;
  }

  /** Holds a lease by an open answer: when this process dies, the answer is cut and the lease ends. */
  async function hold(id: string): Promise<Held> {
    const given = new AbortController();
    const lost = new AbortController();
    const response = await send("GET", `/leases/${id}/hold`, undefined, {}, given.signal);
    const reader = response.body?.getReader();
    if (!response.ok || reader === undefined) throw new RunError(`lease ${id} cannot be held: ${response.status}`);
    let failure: Error | undefined;
    const ended = (reason: Error): void => {
      if (!given.signal.aborted) lost.abort(reason);
    };
    // One renewal may fail: the lease is lost when its end comes, or when it has not been renewed for as long as it lasts.
    const time = setTimeout(() => ended(failure ?? new RunError("the lease has run out")), lease_s * 1000);
    const renewal = setInterval(() => {
      call("PUT", `/leases/${id}`, { ttl_s: lease_s }).then(
        () => time.refresh(),
        (error: Error) => {
          failure = error;
        },
      );
    }, renew_ms);
    const stop = (): void => {
      clearInterval(renewal);
      clearTimeout(time);
    };
    const drain = async (): Promise<void> => {
      while (!(await reader.read()).done);
    };
    drain()
      .then(() => ended(new RunError("the lease has ended")), ended)
      .finally(stop);
    return {
      id,
      lost: lost.signal,
      async release() {
        stop();
        await call("DELETE", `/leases/${id}`);
        given.abort();
      },
      drop() {
        stop();
        given.abort();
      },
    };
  }

  let borrowers = 0;
  let told = false;
  let turn: Promise<void> = Promise.resolve();
  /** Tells the bay whether anybody uses the borrowed lease, where that is news: one after the other, as it is when its turn comes. */
  function tellUse(id: string): Promise<void> {
    const said = turn.then(async () => {
      const experiment = borrowers > 0;
      if (experiment === told) return;
      const { expires_at } = await call<{ expires_at: string }>("GET", `/leases/${id}`);
      const ttl_s = Math.max(1, (Date.parse(expires_at) - Date.now()) / 1000);
      await call("PUT", `/leases/${id}`, { ttl_s, experiment });
      told = experiment;
    });
    // Whoever asked gets the error; the next one tries again.
    turn = said.catch(() => undefined);
    return said;
  }

  /**
   * Uses a lease of the caller's, which says meanwhile that an experiment runs; its time stays as it is. Several targets of a
   * run may borrow it at once.
   */
  async function borrow(id: string): Promise<Held> {
    borrowers += 1;
    let using = true;
    const end = (): void => {
      if (using) borrowers -= 1;
      using = false;
    };
    await tellUse(id).catch((error) => {
      end();
      throw error;
    });
    return {
      id,
      lost: new AbortController().signal,
      async release() {
        end();
        await tellUse(id);
      },
      drop() {
        end();
        // The lease is the caller's, and ends when they say so: a bay that is gone need not be told that a run ended.
        tellUse(id).catch(() => undefined);
      },
    };
  }

  /** The lease that a target was given last. */
  const leases = new Map<string, string>();

  return {
    target: (name) => call("GET", `/targets/${name}`),
    power: (name, state, lease, key) =>
      call("PUT", `/targets/${name}/power`, { state }, { "mltb-lease": lease, "idempotency-key": key }),
    async lease(target, holder, signal, wait_s = WAIT_S) {
      const body = { targets: [target], ttl_s: lease_s, wait_s, holder, experiment: true };
      const mine = address.lease?.targets.includes(target) === true;
      const held = await (mine ? borrow(address.lease?.id ?? "") : hold(await queue(address, body, signal)));
      leases.set(target, held.id);
      return held;
    },
    async startRecording(target) {
      const lease = leases.get(target);
      const headers = lease === undefined ? {} : { "mltb-lease": lease };
      return (await call<{ id: string }>("POST", `/targets/${target}/recordings`, {}, headers)).id;
    },
    stopRecording: (id) => call("POST", `/recordings/${id}/stop`, {}),
    async samples(id, target) {
      const path = `/recordings/${id}/${target}`;
      const response = await send("GET", path, undefined, {});
      if (response.ok) return new Uint8Array(await response.arrayBuffer());
      throw new RunError(`GET ${path}: ${detailOf(await response.text()) ?? response.status}`);
    },
  };
}
