/** The inference agent: the only door of the package. */
export { runInferenceAgent } from "./agent.ts";
export { inferenceClient } from "./grpc.ts";
export type { InferenceAgentOptions } from "./options.ts";
export { measureHop } from "./process/hop.ts";
export { isRuntime, litertTool, runtimeNames } from "./runtimes/index.ts";
export { AgentStartError } from "./start-error.ts";
