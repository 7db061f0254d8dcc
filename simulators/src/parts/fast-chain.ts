import { FAST_CURRENT_ERRORS, type MonitoringBoard } from "@mltb/hardware";
import { type Random, random } from "../world/random.ts";

/** Errors of one channel's chain of shunt, amplifier and converter. */
interface ChainErrors {
  gain: number;
  offset_a: number;
  noise_a: number;
}

/** Shunts and amplifiers of a board, with the errors of one specimen. */
export interface FastChain {
  errors: ChainErrors[];
  /** What the chain makes of a channel's current; `noise` scales the noise, which is given for 1 kHz of bandwidth. */
  amperes(channel: number, current_a: number, noise: number): number;
}

function half(term: string): number {
  return FAST_CURRENT_ERRORS.find((error) => error.term === term)?.half_width ?? 0;
}

/** Draws the errors of a specimen from the distributions of the hardware data. */
function drawErrors(source: Random): ChainErrors {
  return {
    gain: source.rectangular(half("gain")),
    offset_a: source.rectangular(half("offset")),
    noise_a: half("noise"),
  };
}

export function createFastChain(board: MonitoringBoard, seed: number): FastChain {
  const source = random(seed);
  const errors = board.channels.map(() => drawErrors(source));
  return {
    errors,
    amperes(channel, current_a, noise) {
      const error = errors[channel] as ChainErrors;
      return current_a * (1 + error.gain) + error.offset_a + source.normal(error.noise_a * noise);
    },
  };
}
