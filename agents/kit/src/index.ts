/** What every agent shares: the only door of the package. */
export type { AgentEvents, AgentLauncher, RunningAgent } from "./launcher-port.ts";
export { processLauncher } from "./launcher.ts";
export { type AgentMessage, tellParent } from "./messages.ts";
export { announce, type Birth, type Presence } from "./presence.ts";
