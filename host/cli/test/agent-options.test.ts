import type { InferenceAgentOptions } from "@mltb/agent-inference";
import { expect, test } from "vitest";
import { registerAgent } from "../src/commands/agent.ts";
import { createProgram } from "../src/program.ts";

/** Every option that the agent knows: the compiler refuses a name too many and one too few. */
const known: Record<keyof InferenceAgentOptions, true> = {
  models: true,
  runtime: true,
  threads: true,
  grpc: true,
  http: true,
  metrics: true,
  advertise: true,
  tls: true,
  tokenFile: true,
  oipCa: true,
  oipTokenFile: true,
  memoryLimit: true,
  timeLimit: true,
  messageLimit: true,
  mqtt: true,
  mqttUser: true,
  mqttPasswordFile: true,
  bay: true,
  name: true,
  target: true,
  marker: true,
};

test("the command line offers what the agent knows, and nothing else", () => {
  const program = createProgram("0");
  registerAgent(program);
  const agent = program.commands.find((command) => command.name() === "agent");
  const inference = agent?.commands.find((command) => command.name() === "inference");
  const offered = new Set(inference?.options.map((option) => option.attributeName()));
  offered.delete("json");
  expect([...offered].sort()).toEqual(Object.keys(known).sort());
});
