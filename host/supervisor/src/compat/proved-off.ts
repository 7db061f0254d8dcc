import type { TargetView } from "@mltb/contract";
import { floorBoard } from "@mltb/hardware";

/** Faults that say that what the rail has is not known, or not what the switch says. */
const unknowable = new Set(["off-unproved", "sensor-dead"]);
/** The coarsest board's thresholds. */
const { off_below_v, off_below_a = 0 } = floorBoard.limits;

/**
 * Whether a client that knows only on and off may be told off: the board has proved it, or a fault has opened the switch and
 * what was measured afterwards is below the thresholds of off. Undefined where neither on nor off is known.
 */
export function provedOff(
  target: Pick<TargetView, "power" | "voltage_v" | "current_a" | "fault">,
): boolean | undefined {
  const { power, voltage_v, current_a, fault } = target;
  if (power === "on") return false;
  if (power === "off") return true;
  if (power !== "fault" || fault === null || unknowable.has(fault.id)) return undefined;
  if (voltage_v === null || current_a === null) return undefined;
  return voltage_v < off_below_v && Math.abs(current_a) < off_below_a ? true : undefined;
}
