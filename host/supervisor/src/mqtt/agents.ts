import { NAME, topics } from "@mltb/contract";
import type { MqttLink } from "./client.ts";
import type { Retention } from "./retained-limit.ts";

/** Agents that are followed, and bytes of what all of them say about themselves. */
const AGENTS = 4096;
const BYTES = 16 * 1024 * 1024;
/** What stays on the broker: how an agent is found by those who come later. */
const staying = ["birth", "state", "flags"];

export interface AgentSeen {
  name: string;
  grpc: string | null;
  http: string | null;
  metrics: string | null;
}

const prefixOf = (bay: string): string => `${topics(bay).root}/agent/`;

/** The parts of a topic such as `agent/A/birth`; undefined where it is none, or A is no name. */
function partsOf(prefix: string, topic: string): { name: string; kind: string } | undefined {
  if (!topic.startsWith(prefix)) return undefined;
  const [name = "", kind = "", ...more] = topic.slice(prefix.length).split("/");
  return NAME.test(name) && more.length === 0 ? { name, kind } : undefined;
}

/** What the login of a bay's agents may leave on the broker. */
export function retainedByAgents(bay: string): Retention {
  const prefix = prefixOf(bay);
  return {
    allows: (topic) => staying.includes(partsOf(prefix, topic)?.kind ?? ""),
    topics: AGENTS * staying.length,
    bytes: BYTES,
  };
}

/** Follows the agents that announce themselves on the bay's broker; returns those that are online now. */
export async function followAgents(bay: string, link: MqttLink): Promise<() => AgentSeen[]> {
  const prefix = prefixOf(bay);
  const agents = new Map<string, { birth: AgentSeen | undefined; online: boolean }>();
  /** The agent of a name; of too many the one goes that was heard of first and is not there. */
  function agentOf(name: string) {
    const agent = agents.get(name) ?? { birth: undefined, online: false };
    agents.set(name, agent);
    if (agents.size > AGENTS) {
      const gone = [...agents].find(([other, { online }]) => other !== name && !online)?.[0];
      agents.delete(gone ?? name);
    }
    return agent;
  }
  link.onMessage((topic, payload) => {
    const parts = partsOf(prefix, topic);
    if (parts?.kind === "state") agentOf(parts.name).online = payload.toString() === "online";
    if (parts?.kind !== "birth") return;
    const { name } = parts;
    try {
      const { grpc = null, http = null, metrics = null } = JSON.parse(payload.toString()) as Partial<AgentSeen>;
      agentOf(name).birth = { name, grpc, http, metrics };
    } catch {
      // A birth that is no JSON names no address: the agent is as good as unborn.
      agentOf(name).birth = undefined;
    }
  });
  await link.subscribe(`${prefix}+/+`);
  return () => [...agents.values()].flatMap(({ birth, online }) => (online && birth !== undefined ? [birth] : []));
}
