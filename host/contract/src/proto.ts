import { fileURLToPath } from "node:url";

/** Path of a protocol definition of the contract. */
export function protoFile(name: "open_inference_v2" | "mltb_agent_v1" | "mltb_board_v1"): string {
  return fileURLToPath(new URL(`../proto/${name}.proto`, import.meta.url));
}

/** Initial metadata of every answer of `mltb.agent.v1.Agent`: the `instance` of the agent's birth. */
export const INSTANCE_KEY = "mltb-instance";
