import { ampsPerCode, type Channel, INA226, monitoringBoard } from "@mltb/hardware";
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

/** What the board's energy counter of channel 1 has come to, in joules, and the board's time of it. */
async function counter(bench: Bench): Promise<{ energy_j: number; tick_us: number }> {
  const answer = await bench.request("energy_get", {});
  if (answer.kind !== "answer") throw new Error(`energy_get: ${answer.kind}`);
  const { data, period_us, tick_us } = answer.body;
  const codes = Number(Buffer.from(data, "latin1").readBigInt64LE(0));
  const amps = ampsPerCode(monitoringBoard, monitoringBoard.channels[0] as Channel);
  return { energy_j: codes * amps * INA226.bus_lsb_v * period_us * 1e-6, tick_us };
}

/**
 * Mean power of channel 1 meanwhile: by the board's counter over the board's time, and by the physics. An answer may wait for
 * its turn on the link; the load should be steady.
 */
export async function powers_w(
  bench: Bench,
  meanwhile: () => Promise<void>,
): Promise<{ counted_w: number; true_w: number }> {
  const from = await counter(bench);
  const [from_j, from_us] = [rail(bench).energy_j, bench.clock_us()];
  await meanwhile();
  const true_w = (1e6 * (rail(bench).energy_j - from_j)) / (bench.clock_us() - from_us);
  const to = await counter(bench);
  return { counted_w: (1e6 * (to.energy_j - from.energy_j)) / ((to.tick_us - from.tick_us) >>> 0), true_w };
}
