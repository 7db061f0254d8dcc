/** The inference agent: the only door of the package. */
export { AgentStartError, type InferenceAgentOptions, runInferenceAgent } from "./agent.ts";
export { inferenceClient } from "./grpc.ts";
export { measureHop } from "./process/hop.ts";
export { isRuntime, litertTool, runtimeNames } from "./runtimes/index.ts";
