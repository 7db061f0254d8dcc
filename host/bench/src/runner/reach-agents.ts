import { type Bay, bayTargets } from "@mltb/contract";
import { confirmAgent, grpcAgent } from "./agent-client.ts";
import { type AgentRoute, agentRoute } from "./agent-route.ts";
import type { AgentWatch } from "./agents.ts";
import type { RunPorts } from "./boards.ts";

/** Linux on a real board needs longer to boot than a simulated one. */
const BOOT_MS = 180_000;

/** How long the agent of a target is waited for, at least `timeout_ms` after the board has booted. */
function patience(bay: Bay, name: string, timeout_ms: number): number {
  const found = bayTargets(bay).find(({ target }) => target.target === name);
  if (found === undefined || found.rack.board.link === "simulated") return timeout_ms;
  const { ready } = found.target;
  return timeout_ms + (ready === undefined ? BOOT_MS : ready.timeout_s * 1000);
}

/**
 * The agents of a bay, called as its file says. An agent that is waited for comes when it has said itself that it is the one
 * which was announced: another one is never measured in its place.
 */
export function reachAgents(bay: Bay, watch: AgentWatch): Pick<RunPorts, "agents" | "agent"> {
  const routes = new Map<string, AgentRoute>();
  return {
    agents: {
      async wait(target, since_ms, timeout_ms, signal) {
        const found = await watch.wait(target, since_ms, patience(bay, target, timeout_ms), signal);
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
