import { fileURLToPath } from "node:url";

/** Path of a protocol definition of the contract. */
export function protoFile(name: "open_inference_v2" | "mltb_agent_v1" | "mltb_board_v1"): string {
  return fileURLToPath(new URL(`../proto/${name}.proto`, import.meta.url));
}
