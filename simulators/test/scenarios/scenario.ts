import { type AnswerOf, bodyCheck, type PowerAction, type RequestOutcome } from "@mltb/protocol";
import type { Rail } from "../../src/world/rail.ts";
import type { Bench } from "../bench.ts";

/** One story about a board, told over its link and checked at its electronics. It runs on every rung that can. */
export interface Scenario {
  name: string;
  /**
   * Words without which the story makes no sense: of the board's capabilities, and of the rung. `physics`: rails, loads and
   * outputs can be seen; `removable-parts`: a monitor can be taken off its bus; `breakable`: what hangs on a channel can be broken.
   */
  needs: string[];
  /** Takes an emulated controller half a minute or more: its rung runs it in the long form. */
  heavy?: true;
  run(bench: Bench): Promise<void>;
}

type Action = (typeof PowerAction)[keyof typeof PowerAction];

function body(action: Action, off_ms: number, check: number) {
  return { channel: 1, action, off_ms, check };
}

/** Sends a power command to channel 1 and waits for its outcome. */
export function power(
  bench: Bench,
  action: Action,
  off_ms = 0,
  check = bodyCheck(1, action, off_ms),
): Promise<RequestOutcome<AnswerOf<"power_set">>> {
  return bench.request("power_set", body(action, off_ms, check));
}

/** Sends a power command to channel 1; its outcome comes while time runs. */
export function send(bench: Bench, action: Action, off_ms = 0): Promise<RequestOutcome<AnswerOf<"power_set">>> {
  return bench.send("power_set", body(action, off_ms, bodyCheck(1, action, off_ms)));
}

/** The physics behind channel 1. */
export function rail(bench: Bench): Rail {
  return bench.world.rails[0] as Rail;
}

/** Levels of the switches: at the outputs where they can be seen, else as the board reads them back. */
export async function switches(bench: Bench): Promise<number[]> {
  if (bench.offers.includes("physics")) return bench.world.switches();
  const state = await bench.request("channel_get", { channel: 1 });
  return state.kind === "answer" ? [state.body.switch_on] : [];
}
