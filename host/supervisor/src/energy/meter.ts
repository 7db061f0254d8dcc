import type { Meter } from "@mltb/contract";
import { ampsPerCode, type Channel, type MonitoringBoard } from "@mltb/hardware";

/** What measures a channel: the converter behind its amplifier, with the range that its shunt gives, and the monitor's voltage. */
export function meterOf(board: MonitoringBoard, channel: Channel, rate_hz: number): Meter {
  const range_a = ampsPerCode(board, channel) * board.fast_current.full_scale_code;
  return {
    current: "ADS131M08 behind INA240A1",
    range_a: Number(range_a.toPrecision(4)),
    rate_hz,
    voltage: "INA226",
  };
}
