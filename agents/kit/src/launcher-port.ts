/** What a launched agent tells whoever supplies its power. Times are CLOCK_MONOTONIC in ns, the same for all processes. */
export interface AgentEvents {
  onReady(info: { grpc: string | null }): void;
  /** The marker output of the target changed; the time was taken in the model's own process at the window's edge. */
  onMarker(level: 0 | 1, at_ns: bigint): void;
  /** The process that runs the model, whose CPU time is the target's load; null when it has ended. */
  onModelProcess(pid: number | null): void;
  /** CPU time of that process, reported by itself where the system does not show it. */
  onCpuTime(cpu_ns: bigint, at_ns: bigint): void;
  onExit(code: number | null, signal: string | null): void;
  /** A line that the agent printed. */
  onLine(text: string): void;
}

/** An agent that runs. */
export interface RunningAgent {
  readonly pid: number | undefined;
  /** Ends the agent and all its processes at once, as a power cut does. */
  kill(): void;
  /** Asks the agent to end and waits for it. */
  stop(): Promise<void>;
}

/** Starts the agent of a target: the only way in which a simulated board reaches inference. */
export interface AgentLauncher {
  launch(events: AgentEvents): RunningAgent;
}
