import type { Bay } from "@mltb/contract";
import { confirmAgent, grpcAgent } from "./agent-client.ts";
import { type AgentRoute, agentRoute } from "./agent-route.ts";
import type { AgentWatch } from "./agents.ts";
import type { RunPorts } from "./boards.ts";

/**
 * The agents of a bay, called as its file says. An agent that is waited for comes when it has said itself that it is the one
 * which was announced: another one is never measured in its place.
 */
export function reachAgents(bay: Bay, watch: AgentWatch): Pick<RunPorts, "agents" | "agent"> {
  const routes = new Map<string, AgentRoute>();
  return {
    agents: {
      async wait(target, since_ms, timeout_ms, signal) {
        const found = await watch.wait(target, since_ms, timeout_ms, signal);
        const route = agentRoute(bay, found);
        await confirmAgent(route, AbortSignal.any([signal, found.gone]));
        routes.set(route.address, route);
        return { ...found, grpc: route.address };
      },
      close: () => watch.close(),
    },
    agent: (address) => grpcAgent(address, routes.get(address)),
  };
}
