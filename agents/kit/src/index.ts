/** What every agent shares: the only door of the package. */

export { type ArtifactStore, artifactStore } from "./artifacts.ts";
export { type Environment, readEnvironment } from "./environment.ts";
export { processLauncher } from "./launcher.ts";
export type { AgentEvents, AgentLauncher, RunningAgent } from "./launcher-port.ts";
export { type AgentMessage, tellParent } from "./messages.ts";
export { announce, type Birth, type Presence, type StepReport } from "./presence.ts";
export {
  installTool,
  type PythonTool,
  ToolError,
  type ToolState,
  toolPython,
  toolState,
} from "./python-tool.ts";
