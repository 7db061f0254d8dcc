import type { AgentApi } from "./agent-client.ts";
import { RunError } from "./bay-api.ts";

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
 * says nothing, and asking it would disturb what it measures. After a call that failed it is asked whether it lives: that a
 * connection broke says nothing of why, and reaches this host before the broker's word.
 */
export function untilGone(agent: AgentApi, gone: AbortSignal): AgentApi {
  const call = <T>(body: () => Promise<T>, given?: AbortSignal): Promise<T> =>
    before(gone, body).catch(async (error: Error) => {
      if (gone.aborted || given?.aborted || (await agent.live())) throw error;
      throw new RunError(`the agent does not answer any more: it died or lost its network (${error.message})`);
    });
  return {
    deploy: (...args) => call(() => agent.deploy(...args)),
    inputs: (model) => call(() => agent.inputs(model)),
    infer: (...args) => call(() => agent.infer(...args)),
    measure: (request, onWindow, signal) =>
      call(() => agent.measure(request, onWindow, AbortSignal.any([signal, gone])), signal),
    live: () => before(gone, () => agent.live()).catch(() => false),
    close: () => agent.close(),
  };
}
