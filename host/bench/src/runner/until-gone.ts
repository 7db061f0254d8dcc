import type { AgentApi } from "./agent-client.ts";

/** What a call gives, or the reason of a signal that comes first. */
function before<T>(gone: AbortSignal, call: () => Promise<T>): Promise<T> {
  if (gone.aborted) return Promise.reject(gone.reason);
  return new Promise((resolve, reject) => {
    const raised = (): void => reject(gone.reason);
    gone.addEventListener("abort", raised, { once: true });
    call()
      .then(resolve, reject)
      .finally(() => gone.removeEventListener("abort", raised));
  });
}

/**
 * An agent whose calls fail as soon as it is known to be gone: the connection to a frozen or unplugged board stays open and
 * says nothing, and asking it would disturb what it measures.
 */
export function untilGone(agent: AgentApi, gone: AbortSignal): AgentApi {
  return {
    deploy: (...args) => before(gone, () => agent.deploy(...args)),
    inputs: (model) => before(gone, () => agent.inputs(model)),
    infer: (...args) => before(gone, () => agent.infer(...args)),
    measure: (request, onWindow, signal) =>
      before(gone, () => agent.measure(request, onWindow, AbortSignal.any([signal, gone]))),
    close: () => agent.close(),
  };
}
