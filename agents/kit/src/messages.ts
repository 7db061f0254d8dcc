/** Messages from an agent to whoever started it over the IPC channel. Times are CLOCK_MONOTONIC ns as text. */
export type AgentMessage =
  | { type: "ready"; grpc: string | null }
  | { type: "marker"; level: 0 | 1; at_ns: string }
  | { type: "model-process"; pid: number | null }
  | { type: "cpu-time"; cpu_ns: string; at_ns: string };

/** Tells the process that started this one; false where there is no IPC channel. */
export function tellParent(message: AgentMessage): boolean {
  if (process.send === undefined || !process.connected) return false;
  process.send(message);
  return true;
}
