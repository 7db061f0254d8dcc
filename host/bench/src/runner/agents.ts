import { topics, z } from "@mltb/contract";
import mqtt from "mqtt";
import { type BayAddress, RunError } from "./bay-api.ts";

/** The part of an agent's birth that the bench uses. */
const birthSchema = z.looseObject({
  name: z.string(),
  target: z.string(),
  grpc: z.string().nullable(),
  tls: z.boolean().optional(),
  instance: z.string().optional(),
  machine: z.string().nullable().optional(),
  at: z.string(),
});
export type AgentBirth = z.infer<typeof birthSchema>;

/** An agent that a run may use. */
export interface FoundAgent extends AgentBirth {
  grpc: string;
  /** Raised when it has been offline for a while (it died, froze or lost its network), or another has come in its place. */
  gone: AbortSignal;
}

/**
 * An agent that is said to be offline may only have lost the broker for a moment; a measurement need not end for that. The
 * broker itself says so after one and a half times the agent's keepalive of 5 s.
 */
const OFFLINE_MS = 3000;

/** The agents of a bay as they announce themselves on MQTT. */
export interface AgentWatch {
  /** Waits for an agent of the target that is online and was heard of at or after `since_ms` for the first time. */
  wait(target: string, since_ms: number, timeout_ms: number, signal: AbortSignal): Promise<FoundAgent>;
  close(): Promise<void>;
}

/** Follows one life of an agent. */
class Gone {
  private readonly birth: AgentBirth;
  private readonly abort = new AbortController();
  private timer: NodeJS.Timeout | undefined;

  constructor(birth: AgentBirth) {
    this.birth = birth;
  }

  get signal(): AbortSignal {
    return this.abort.signal;
  }

  /** An agent that comes back after less than `OFFLINE_MS` is another one where it was born again: it has another address. */
  born(birth: AgentBirth): void {
    if (birth.at === this.birth.at) return;
    this.close();
    this.abort.abort(new RunError(`agent ${birth.name} has started anew: it died or its board was reset`));
  }

  seen(online: boolean): void {
    this.close();
    if (online) return;
    this.timer = setTimeout(() => {
      this.abort.abort(new RunError(`agent ${this.birth.name} is offline: it died, froze or lost its network`));
    }, OFFLINE_MS);
  }

  close(): void {
    clearTimeout(this.timer);
  }
}

/** A birth with when this host first heard of it, in ms since 1970: a board's own clock may stand at 1970. */
type HeardBirth = AgentBirth & { heard_ms: number };

function readBirth(payload: Buffer): AgentBirth | undefined {
  try {
    return birthSchema.parse(JSON.parse(payload.toString()));
  } catch {
    // Foreign agents may say what they like: whoever waits for one is told that this one cannot be read.
    return undefined;
  }
}

export async function watchAgents(bay: string, address: BayAddress): Promise<AgentWatch> {
  const root = topics(bay).root;
  const client = mqtt.connect(address.mqtt, {
    protocolVersion: 4,
    username: address.mqttUser,
    password: address.mqttPassword,
    reconnectPeriod: 300,
  });
  await new Promise<void>((resolve, reject) => {
    const failed = (error: Error): void => {
      client.end(true);
      reject(new RunError(`the broker ${address.mqtt} cannot be reached: ${error.message}`));
    };
    client.once("error", failed);
    client.once("connect", () => {
      // From now on an error ends nothing: the client tries again and subscribes anew; an agent that is gone is found then.
      client.off("error", failed);
      client.on("error", () => undefined);
      resolve();
    });
  });
  const births = new Map<string, HeardBirth>();
  const unreadable = new Set<string>();
  const online = new Set<string>();
  const waiting = new Set<() => void>();
  const watched = new Map<string, Gone>();
  function birth(name: string, payload: Buffer, retained: boolean): void {
    const read = payload.length === 0 ? undefined : readBirth(payload);
    const known = births.get(name);
    if (read === undefined) births.delete(name);
    else {
      const heard_ms = retained ? Date.parse(read.at) : Date.now();
      births.set(name, { ...read, heard_ms: known?.at === read.at ? known.heard_ms : heard_ms });
      watched.get(name)?.born(read);
    }
    if (read === undefined && payload.length > 0) unreadable.add(name);
    else unreadable.delete(name);
  }

  client.on("message", (topic, payload, { retain }) => {
    const [name, kind] = topic.slice(`${root}/agent/`.length).split("/") as [string, string];
    if (kind === "birth") birth(name, payload, retain);
    else if (kind !== "state") return;
    else if (payload.toString() === "online") online.add(name);
    else online.delete(name);
    for (const check of waiting) check();
    if (kind === "state") watched.get(name)?.seen(online.has(name));
  });
  await client.subscribeAsync(`${root}/agent/+/+`, { qos: 1 });

  function find(target: string, since_ms: number): FoundAgent | undefined {
    for (const birth of births.values()) {
      if (birth.target !== target || !online.has(birth.name) || birth.heard_ms < since_ms) continue;
      if (birth.grpc === null) continue;
      // Whoever is waited for now is a new one: what an earlier one under its name came to is past.
      watched.get(birth.name)?.close();
      const gone = new Gone(birth);
      watched.set(birth.name, gone);
      return { ...birth, grpc: birth.grpc, gone: gone.signal };
    }
    return undefined;
  }

  return {
    wait(target, since_ms, timeout_ms, signal) {
      return new Promise((resolve, reject) => {
        const end = (): void => {
          waiting.delete(check);
          clearTimeout(timer);
          signal.removeEventListener("abort", aborted);
        };
        const check = (): void => {
          const found = find(target, since_ms);
          if (found === undefined) return;
          end();
          resolve(found);
        };
        const aborted = (): void => {
          end();
          reject(new RunError("interrupted"));
        };
        const timer = setTimeout(() => {
          end();
          const found = [...unreadable].map((name) => `; the birth of ${name} cannot be read`);
          reject(
            new RunError(`no agent of target ${target} came online within ${timeout_ms / 1000} s${found.join("")}`),
          );
        }, timeout_ms);
        waiting.add(check);
        signal.addEventListener("abort", aborted);
        if (signal.aborted) aborted();
        else check();
      });
    },
    close() {
      for (const gone of watched.values()) gone.close();
      return client.endAsync();
    },
  };
}
