import { topics } from "@mltb/contract";
import type { MqttLink } from "./client.ts";

export interface AgentSeen {
  name: string;
  grpc: string | null;
  http: string | null;
  metrics: string | null;
}

/** Follows the agents that announce themselves on the bay's broker; returns those that are online now. */
export async function followAgents(bay: string, link: MqttLink): Promise<() => AgentSeen[]> {
  const prefix = `${topics(bay).root}/agent/`;
  const births = new Map<string, AgentSeen>();
  const online = new Set<string>();
  link.onMessage((topic, payload) => {
    if (!topic.startsWith(prefix)) return;
    const [name = "", kind = ""] = topic.slice(prefix.length).split("/");
    if (kind === "state") {
      if (payload.toString() === "online") online.add(name);
      else online.delete(name);
      return;
    }
    if (kind !== "birth") return;
    try {
      const { grpc = null, http = null, metrics = null } = JSON.parse(payload.toString()) as Partial<AgentSeen>;
      births.set(name, { name, grpc, http, metrics });
    } catch {
      // A birth that is no JSON names no address: the agent is as good as unborn.
      births.delete(name);
    }
  });
  await link.subscribe(`${prefix}+/+`);
  return () => [...births.values()].filter((agent) => online.has(agent.name));
}
