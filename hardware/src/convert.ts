import { INA226 } from "./parts/ina226.ts";
import type { Channel, MonitoringBoard } from "./types.ts";

/** Amperes per code of the fast current chain: full scale / (gain x shunt) / codes. */
export function ampsPerCode(board: MonitoringBoard, channel: Channel): number {
  const fast = board.fast_current;
  return fast.full_scale_v / fast.full_scale_code / fast.amplifier_gain / channel.shunt_ohm;
}

/** Amperes per code of the channel monitor's shunt register. */
export function monitorAmpsPerCode(channel: Channel): number {
  return INA226.shunt_lsb_v / channel.shunt_ohm;
}
