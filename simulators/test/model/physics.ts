import type { ChannelFault } from "../../src/index.ts";
import type { MonitoringRung } from "../bench.ts";
import type { Physics } from "./channel.ts";
import type { ModelChannel } from "./rack.ts";

/** A load that is there whenever the channel is on. */
export const LOAD_A = 0.2;
const OVERLOAD_A = 0.15;
const SURGE_A = 0.25;
const FEED_A = -0.6;
const SWING_V = 0.8;

const broken: Physics[] = ["stuck-on", "stuck-off", "short", "sensor-dead"];
export const isBroken = (physics: Physics): boolean => broken.includes(physics);

/** Hardware opens the switch, and firmware finds it open. */
export const isQuick = (physics: Physics | undefined): boolean => physics === "short" || physics === "surge";

/** What can be asked too much of a channel that is on, within its limits. */
export function stresses({ limits, settings }: ModelChannel): Physics[] {
  const list: Physics[] = ["surge"];
  if (limits.hard_ma - limits.slow_ma >= 400) list.push("overload");
  if (settings.over_mv > 0) list.push("over-voltage");
  if (settings.under_mv > 0) list.push("under-voltage");
  if (settings.reverse_ma > 0) list.push("reverse");
  return list;
}

/** Makes the world behind a channel what the model takes it to be. */
export function apply(rung: MonitoringRung, index: number, channel: ModelChannel): void {
  const { rails, breakChannel } = rung.electronics;
  const rail = rails[index] as (typeof rails)[0];
  const { physics, limits, loaded } = channel;
  const load_a = loaded ? LOAD_A : 0;
  breakChannel(index, isBroken(physics) ? (physics as ChannelFault) : "none");
  rail.extra_v = physics === "over-voltage" ? SWING_V : physics === "under-voltage" ? -SWING_V : 0;
  rail.extra_a = load_a;
  if (physics === "overload") rail.extra_a = limits.slow_ma / 1000 + OVERLOAD_A;
  if (physics === "surge") rail.extra_a = limits.hard_ma / 1000 + SURGE_A;
  if (physics === "reverse") rail.extra_a = FEED_A;
  // Nothing else takes the charge from the rail in time.
  if (physics === "under-voltage") rail.extra_a = load_a + 0.5;
}
