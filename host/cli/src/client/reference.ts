import { type AgentApi, grpcAgent } from "@mltb/bench";

/** The reference of numerical errors: an inference agent of this process, ONNX Runtime in a process of its own. */
export function hostReference(): { open(): Promise<AgentApi>; close(): Promise<void> } {
  const stop = new AbortController();
  let ended: Promise<void> = Promise.resolve();
  let opened: Promise<AgentApi> | undefined;

  async function start(): Promise<AgentApi> {
    const { runInferenceAgent } = await import("@mltb/agent-inference");
    const free = { host: "127.0.0.1", port: 0, named: true };
    const options = { runtime: "ort", threads: 1, grpc: free, http: free, metrics: free, mqtt: false as const };
    const line = await new Promise<string>((resolve, reject) => {
      ended = runInferenceAgent(options, { signal: stop.signal, line: resolve, note: () => undefined });
      ended.catch(reject);
    });
    return grpcAgent((JSON.parse(line) as { grpc: string }).grpc);
  }

  return {
    open() {
      opened ??= start();
      return opened;
    },
    async close() {
      if (opened === undefined) return;
      await opened.then(
        (agent) => agent.close(),
        () => undefined,
      );
      stop.abort();
      // How a stopped agent ends says nothing about the comparison that is over.
      await ended.catch(() => undefined);
    },
  };
}
