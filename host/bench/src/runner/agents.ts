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

/** The agents of a bay as they announce themselves on MQTT. */
export interface AgentWatch {
  /** Waits for an agent of the target that is online and was born at or after `since_ms`. */
  wait(
    target: string,
    since_ms: number,
    timeout_ms: number,
    signal: AbortSignal,
  ): Promise<AgentBirth & { grpc: string }>;
  close(): Promise<void>;
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
  client.on("message", (topic, payload) => {
    const [name, kind] = topic.slice(`${root}/agent/`.length).split("/") as [string, string];
    if (kind === "birth" && payload.length > 0) births.set(name, JSON.parse(payload.toString()) as AgentBirth);
    else if (kind === "birth") births.delete(name);
    else if (kind !== "state") return;
    else if (payload.toString() === "online") online.add(name);
    else online.delete(name);
    for (const check of waiting) check();
  });
  await client.subscribeAsync(`${root}/agent/+/+`, { qos: 1 });

  function find(target: string, since_ms: number): (AgentBirth & { grpc: string }) | undefined {
    for (const birth of births.values()) {
      if (birth.target !== target || !online.has(birth.name) || Date.parse(birth.at) < since_ms) continue;
      if (birth.grpc !== null) return { ...birth, grpc: birth.grpc };
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
    close: () => client.endAsync(),
  };
}
