import type { Change, Driver } from "./driver-types.ts";
import { keepsLast, type ModelChannel } from "./rack.ts";

type Fields = Record<string, number>;

const same = (wanted: Fields, found: Fields): boolean =>
  Object.entries(wanted).every(([name, value]) => found[name] === value);

/** The change that was under way where it is one of this value. */
function askedOf(driver: Driver, of: Change["of"], index: number): Fields | undefined {
  const { asked } = driver;
  return asked?.of === of && (asked.of === "rack" || asked.index === index) ? asked.next : undefined;
}

/** What is there: the value before, or the one of a change that was under way. Anything else is a difference. */
function whole(driver: Driver, of: Change["of"], index: number, before: Fields, found: Fields): boolean {
  if (same(before, found)) return false;
  const asked = askedOf(driver, of, index);
  if (asked !== undefined && same(asked, found)) return true;
  driver.fail(
    `${of} of channel ${index + 1} came back as ${JSON.stringify(found)} instead of ${JSON.stringify(before)}`,
  );
}

/**
 * Reads everything that a board keeps, after it began anew, and compares it with what it was told. The model takes over which
 * of the two sides of a change that was under way is there.
 */
export async function readBack(driver: Driver): Promise<void> {
  const { rack } = driver;
  const read = async (name: "settings_get" | "limits_get" | "calibration_get" | "rack_get", index: number) => {
    const { outcome } = await driver.ask(name, { channel: index + 1 }, false);
    if (outcome.kind !== "answer") driver.fail(`${name}: ${outcome.kind}`);
    return (outcome as unknown as { body: Fields }).body;
  };
  for (const index of rack.channels.keys()) {
    const channel = rack.channels[index] as ModelChannel;
    if (whole(driver, "settings", index, channel.settings, await read("settings_get", index))) {
      channel.settings = askedOf(driver, "settings", index) as ModelChannel["settings"];
      // Whether the last state was written down behind them is not known.
      const { beliefs } = channel;
      keepsLast(channel);
      channel.beliefs.push(...beliefs);
    }
    if (whole(driver, "limits", index, channel.limits, await read("limits_get", index))) {
      channel.limits = askedOf(driver, "limits", index) as ModelChannel["limits"];
    }
    const before = driver.calibrations[index];
    const found = await read("calibration_get", index);
    // Without a record it says so; a damaged one would be told as 2.
    const told = before === undefined ? { valid: 0 } : { ...before, valid: 1 };
    if (same(told, found)) continue;
    const asked = askedOf(driver, "calibration", index);
    if (asked === undefined || !same({ ...asked, valid: 1 }, found)) {
      driver.fail(`the calibration of channel ${index + 1} came back as ${JSON.stringify(found)}`);
    }
    driver.calibrations[index] = asked;
  }
  const { budget_ma, stagger_ms } = rack;
  if (whole(driver, "rack", 0, { budget_ma, stagger_ms }, await read("rack_get", 0))) {
    const asked = askedOf(driver, "rack", 0) as { budget_ma: number; stagger_ms: number };
    rack.budget_ma = asked.budget_ma;
    rack.stagger_before_ms = Math.max(rack.stagger_before_ms, rack.stagger_ms);
    rack.stagger_ms = asked.stagger_ms;
  }
  driver.asked = undefined;
  rack.stagger_asked_ms = undefined;
}
