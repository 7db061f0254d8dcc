import { bodyCheck, Cause, Fault, HostLoss, PowerAction, Refusal, Restore } from "@mltb/protocol";
import type { Physics } from "./channel.ts";
import { type Driver, isOn, sure } from "./driver-types.ts";
import { isBroken, stresses } from "./physics.ts";
import {
  advance,
  command,
  type Kept,
  keepsLast,
  type ModelChannel,
  rackVerdicts,
  rearm,
  reset,
  verdicts,
} from "./rack.ts";

/** Requests that may run on the board at once: the last credit is for those that end others. */
const RUNNING_MOST = 6;
/** A monitor that comes back is set up again within this time, one that has gone is known to have within the other. */
const REVIVED_MS = 1300;
const GONE_MS = 120;
const OUT_OF_RANGE = 60_001;

/** Channels that are left alone until then. */
export type Pauses = number[];

const channelOf = (driver: Driver, index: number): ModelChannel => driver.rack.channels[index] as ModelChannel;

const below = (driver: Driver, limit: number): number => Math.floor(driver.source.uniform() * limit);
function pick<T>(driver: Driver, list: readonly T[]): T {
  return list[below(driver, list.length)] as T;
}

async function power(driver: Driver, index: number, action: number): Promise<void> {
  const { rack, rung } = driver;
  const off_ms = action === PowerAction.cycle ? pick(driver, [0, 1, 20, 60, 60, 400]) : 0;
  const body = { channel: index + 1, action, off_ms, check: bodyCheck(index + 1, action, off_ms) };
  const charged = (rung.electronics.rails[index]?.voltage_v ?? 0) > 4.4;
  await driver.command("power_set", index, body, (id, at) =>
    command(rack, index, action, off_ms, id, Cause.command, at, charged),
  );
}

async function resetLine(driver: Driver, index: number): Promise<void> {
  const { rack } = driver;
  const channel = index + 1;
  const kind = below(driver, 3);
  if (kind === 0) {
    const pulse_ms = pick(driver, [1, 5, 20, 80, 300]);
    const body = { channel, pulse_ms, check: bodyCheck(channel, 0, pulse_ms) };
    await driver.command("reset_pulse", index, body, (id, at) => reset(rack, index, true, pulse_ms, id, at));
    return;
  }
  const level = kind - 1;
  const body = { channel, level, check: bodyCheck(channel, level, 0) };
  await driver.command("reset_hold", index, body, (id, at) => reset(rack, index, level === 1, undefined, id, at));
}

async function clearFault(driver: Driver, index: number): Promise<void> {
  const known = sure(driver, index)?.fault ?? Fault.none;
  const fault = driver.source.uniform() < 0.9 ? known : 1 + below(driver, 9);
  const body = { channel: index + 1, fault, check: bodyCheck(index + 1, fault, 0) };
  await driver.command("rearm", index, body, (id, at) => rearm(driver.rack, index, fault, id, at));
}

/** Verdicts before and after the time that the request took count. */
async function changeKept(
  driver: Driver,
  index: number,
  name: "settings_set" | "limits_set",
  body: object,
  change: Partial<Kept>,
  bad: boolean,
): Promise<boolean> {
  const { rack, host } = driver;
  const before = verdicts(rack, index, change);
  const { reply } = await driver.ask(name, body);
  advance(rack, host.now_ms());
  const verdict = [...before, ...verdicts(rack, index, change)];
  // Of two reasons to refuse either may be named.
  const may = bad ? [`refused ${Refusal.bad_value}`, ...verdict.filter((name) => name !== "answer")] : verdict;
  if (!may.includes(reply)) driver.fail(`${name}: ${reply} instead of ${may.join(" or ")}`);
  return reply === "answer";
}

async function settings(driver: Driver, index: number): Promise<void> {
  const channel = channelOf(driver, index);
  const bad = below(driver, 12) === 0;
  const next: Kept["settings"] = {
    restore: bad ? 3 : pick(driver, [Restore.off, Restore.on, Restore.last, Restore.last]),
    host_loss: pick(driver, [HostLoss.keep, HostLoss.off]),
    interlock: pick(driver, [0, 0, 0, 0, 1, 2]),
    host_loss_ms: pick(driver, [300, 500]),
    over_mv: pick(driver, [5500, 5300, 0]),
    under_mv: pick(driver, [0, 0, 4600]),
    reverse_ma: pick(driver, [0, 100, 200]),
    drift_ma: pick(driver, [0, 100, 150]),
  };
  const body = { channel: index + 1, ...next, check: bodyCheck(index + 1, next.restore, next.over_mv) };
  // An under-voltage limit that comes while the rail has none would trip at a time of its own.
  if (channel.physics === "stuck-off") body.under_mv = next.under_mv = channel.settings.under_mv;
  if (!bad) driver.asked = { of: "settings", index, next };
  if (!(await changeKept(driver, index, "settings_set", body, { settings: next }, bad))) return;
  channel.settings = next;
  keepsLast(channel);
}

async function limits(driver: Driver, index: number): Promise<void> {
  const channel = channelOf(driver, index);
  const wild = pick(driver, [
    { slow_ma: 2801 },
    { slow_ma: 1501, hard_ma: 1500 },
    { inrush_ms: 21 },
    { hard_ma: 2951 },
  ]);
  const bad = below(driver, 10) === 0;
  const hard_ma = pick(driver, [1500, 2000, 2950]);
  const next = {
    hard_ma,
    slow_ma: pick(driver, [1000, 1400, Math.min(2800, hard_ma)]),
    slow_ms: pick(driver, [20, 60, 120]),
    inrush_ma: 4000,
    inrush_ms: pick(driver, [0, 20]),
    ...(bad ? wild : {}),
  };
  const body = { channel: index + 1, ...next, check: bodyCheck(index + 1, 0, next.hard_ma) };
  if (!bad) driver.asked = { of: "limits", index, next };
  if (await changeKept(driver, index, "limits_set", body, { limits: next }, bad)) channel.limits = next;
}

async function calibrate(driver: Driver, index: number): Promise<void> {
  const small = (most: number): number => below(driver, 2 * most + 1) - most;
  const next = {
    voltage_ppm: small(2000),
    voltage_100uv: small(50),
    current_ppm: small(3000),
    current_10ua: small(50),
    fast_ppm: small(3000),
    fast_10ua: small(50),
    drift_ppm_k: small(50),
    at_10mc: 2500 + small(500),
  };
  const check = bodyCheck(index + 1, 0, next.voltage_ppm & 65_535);
  driver.asked = { of: "calibration", index, next };
  const { reply } = await driver.ask("calibration_set", { channel: index + 1, ...next, check });
  if (reply !== "answer") driver.fail(`calibration_set: ${reply}`);
  driver.calibrations[index] = next;
}

async function rackRules(driver: Driver): Promise<void> {
  const { rack, host } = driver;
  const budget_ma = pick(driver, [0, 0, 8000, 14_000]);
  const stagger_ms = pick(driver, [0, 0, 0, 15, 40]);
  const before = rackVerdicts(rack, budget_ma);
  rack.stagger_asked_ms = stagger_ms;
  rack.stagger_least_ms = Math.min(rack.stagger_least_ms, stagger_ms);
  driver.asked = { of: "rack", next: { budget_ma, stagger_ms } };
  const { reply } = await driver.ask("rack_set", { budget_ma, stagger_ms, check: bodyCheck(0, 0, budget_ma) });
  rack.stagger_asked_ms = undefined;
  advance(rack, host.now_ms());
  const may = [...before, ...rackVerdicts(rack, budget_ma)];
  if (!may.includes(reply)) driver.fail(`rack_set: ${reply} instead of ${may.join(" or ")}`);
  if (reply !== "answer") return;
  rack.budget_ma = budget_ma;
  rack.stagger_before_ms = Math.max(rack.stagger_before_ms, rack.stagger_ms);
  rack.stagger_ms = stagger_ms;
}

/** Requests that must change nothing. */
async function nonsense(driver: Driver, index: number): Promise<void> {
  const channel = index + 1;
  const { reply } = await pick(driver, [
    () => driver.ask("power_set", { channel, action: 1, off_ms: 0, check: bodyCheck(channel, 1, 0) ^ 4 }),
    () => driver.ask("power_set", { channel, action: 4, off_ms: 0, check: bodyCheck(channel, 4, 0) }),
    () =>
      driver.ask("power_set", { channel, action: 3, off_ms: OUT_OF_RANGE, check: bodyCheck(channel, 3, OUT_OF_RANGE) }),
    () => driver.ask("power_set", { channel: 9, action: 1, off_ms: 0, check: bodyCheck(9, 1, 0) }),
    () => driver.ask("reset_pulse", { channel, pulse_ms: 0, check: bodyCheck(channel, 0, 0) }),
    () => driver.ask("reset_hold", { channel, level: 2, check: bodyCheck(channel, 2, 0) }),
    () => driver.ask("rearm", { channel, fault: 1, check: 0 }),
  ])();
  if (!/^refused [345]$/.test(reply)) driver.fail(`nonsense: ${reply}`);
}

/** Reads the channel, and compares all of the answer. */
async function look(driver: Driver, index: number): Promise<void> {
  const { rack, host } = driver;
  const before = channelOf(driver, index).beliefs;
  const { outcome } = await driver.ask("channel_get", { channel: index + 1 });
  if (outcome.kind !== "answer") driver.fail(`channel_get: ${outcome.kind}`);
  const { state, fault, cause, switch_on, reset_asserted } = (outcome as { body: Record<string, number> }).body;
  advance(rack, host.now_ms());
  const fits = [...before, ...channelOf(driver, index).beliefs].some(
    (of) =>
      of.state === state &&
      of.fault === fault &&
      of.cause === cause &&
      Number(of.closed) === switch_on &&
      Number(of.reset) === reset_asserted,
  );
  if (!fits) driver.fail(`channel ${index + 1} says ${JSON.stringify(outcome)}`);
}

/** Breaks what is whole, heals what is broken, adds or takes the load, of a channel that rests. */
function disturb(driver: Driver, index: number, pauses: Pauses, fixed: boolean): void {
  if (!driver.rests(index)) return;
  const channel = channelOf(driver, index);
  const before = channel.physics;
  if (isBroken(before)) channel.physics = "none";
  else if (!fixed && driver.source.uniform() < 0.3) channel.loaded = !channel.loaded;
  else channel.physics = pick<Physics>(driver, ["stuck-on", "stuck-off", "short", "sensor-dead"]);
  if (before === "sensor-dead") pauses[index] = driver.host.now_ms() + REVIVED_MS;
  if (channel.physics === "sensor-dead") pauses[index] = driver.host.now_ms() + GONE_MS;
  driver.note(`channel ${index + 1}: ${channel.physics}, ${channel.loaded ? "loaded" : "no load"}`);
  driver.change(index);
  // Until the monitor is found again it shows nothing.
  if (before === "sensor-dead") channel.physicsLate_ms = REVIVED_MS;
}

/** One operation on a channel; `keeping` says how much more often than usual it is one that is written down. */
export async function operate(
  driver: Driver,
  index: number,
  pauses: Pauses,
  fixed: boolean,
  keeping = 1,
): Promise<void> {
  const channel = channelOf(driver, index);
  const faulty = channel.beliefs.some((of) => of.fault !== Fault.none);
  const crowded = driver.running() >= RUNNING_MOST;
  const weights: [number, () => void | Promise<void>][] = [
    [crowded ? 0 : 20, () => power(driver, index, PowerAction.on)],
    [crowded ? 0 : 14, () => power(driver, index, PowerAction.off)],
    [crowded ? 0 : 6, () => power(driver, index, PowerAction.off_floating)],
    [crowded ? 0 : 12, () => power(driver, index, PowerAction.cycle)],
    [crowded ? 0 : 14, () => resetLine(driver, index)],
    [faulty && !isBroken(channel.physics) ? 40 : 3, () => clearFault(driver, index)],
    [6 * keeping, () => settings(driver, index)],
    [3 * keeping, () => limits(driver, index)],
    [2 * keeping, () => calibrate(driver, index)],
    [2 * keeping, () => rackRules(driver)],
    [3, () => nonsense(driver, index)],
    [8, () => look(driver, index)],
    [isBroken(channel.physics) ? 30 : 4, () => disturb(driver, index, pauses, fixed)],
  ];
  let at = driver.source.uniform() * weights.reduce((sum, [weight]) => sum + weight, 0);
  for (const [weight, run] of weights) {
    at -= weight;
    if (at >= 0) continue;
    await run();
    driver.asked = undefined;
    break;
  }
  driver.done[index] = (driver.done[index] ?? 0) + 1;
  driver.compare();
}

/** Asks too much of every channel that is on, waits for what must follow, and takes it away again. */
export async function storm(driver: Driver): Promise<void> {
  await driver.settle();
  const struck: number[] = [];
  for (const [i, channel] of driver.rack.channels.entries()) {
    if (channel.physics !== "none" || !isOn(sure(driver, i))) continue;
    channel.physics = pick(driver, stresses(channel));
    driver.note(`channel ${i + 1}: ${channel.physics}`);
    driver.change(i);
    driver.done[i] = (driver.done[i] ?? 0) + 1;
    struck.push(i);
  }
  if (struck.length === 0) return;
  await driver.settle();
  for (const i of struck) {
    channelOf(driver, i).physics = "none";
    driver.change(i);
  }
  // What fed a rail leaves it charged, and an alert is read once more.
  await driver.host.run(40);
  driver.compare();
}
