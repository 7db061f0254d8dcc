/** What every agent shares: the only door of the package. */
export type { AgentEvents, AgentLauncher, RunningAgent } from "./launcher-port.ts";
