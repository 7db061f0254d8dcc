import { topics } from "@mltb/contract";
import mqtt from "mqtt";
import { type BayAddress, RunError } from "./bay-api.ts";

/** The part of an agent's birth that the bench uses. */
export interface AgentBirth {
  name: string;
  target: string;
  grpc: string | null;
  at: string;
}

/** An agent that a run may use. */
export interface FoundAgent extends AgentBirth {
  grpc: string;
  /** Raised when it has been offline for a while: it died, froze or lost its network. */
  gone: AbortSignal;
}

/**
 * An agent that is said to be offline may only have lost the broker for a moment; a measurement need not end for that. The
 * broker itself says so after one and a half times the agent's keepalive of 5 s.
 */
const OFFLINE_MS = 3000;

/** The agents of a bay as they announce themselves on MQTT. */
export interface AgentWatch {
  /** Waits for an agent of the target that is online and was born at or after `since_ms`. */
  wait(target: string, since_ms: number, timeout_ms: number, signal: AbortSignal): Promise<FoundAgent>;
  close(): Promise<void>;
}

/** Follows the state of one agent. */
class Gone {
  private readonly name: string;
  private readonly abort = new AbortController();
  private timer: NodeJS.Timeout | undefined;

  constructor(name: string) {
    this.name = name;
  }

  get signal(): AbortSignal {
    return this.abort.signal;
  }

  seen(online: boolean): void {
    this.close();
    if (online) return;
    this.timer = setTimeout(() => {
      this.abort.abort(new RunError(`agent ${this.name} is offline: it died, froze or lost its network`));
    }, OFFLINE_MS);
  }

  close(): void {
    clearTimeout(this.timer);
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
    client.once("connect", () => resolve());
    client.once("error", (error) => {
      client.end(true);
      reject(new RunError(`the broker ${address.mqtt} cannot be reached: ${error.message}`));
    });
  });
  const births = new Map<string, AgentBirth>();
  const online = new Set<string>();
  const waiting = new Set<() => void>();
  const watched = new Map<string, Gone>();
  client.on("message", (topic, payload) => {
    const [name, kind] = topic.slice(`${root}/agent/`.length).split("/") as [string, string];
    if (kind === "birth" && payload.length > 0) births.set(name, JSON.parse(payload.toString()) as AgentBirth);
    else if (kind === "birth") births.delete(name);
    else if (kind !== "state") return;
    else if (payload.toString() === "online") online.add(name);
    else online.delete(name);
    for (const check of waiting) check();
    if (kind === "state") watched.get(name)?.seen(online.has(name));
  });
  await client.subscribeAsync(`${root}/agent/+/+`, { qos: 1 });

  function find(target: string, since_ms: number): FoundAgent | undefined {
    for (const birth of births.values()) {
      if (birth.target !== target || !online.has(birth.name) || Date.parse(birth.at) < since_ms) continue;
      if (birth.grpc === null) continue;
      // Whoever is waited for now is a new one: what an earlier one under its name came to is past.
      watched.get(birth.name)?.close();
      const gone = new Gone(birth.name);
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
          reject(new RunError(`no agent of target ${target} came online within ${timeout_ms / 1000} s`));
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
