import type { BoardDesign, PowerPath, SenseRange, ShuntPart } from "../designs/types.ts";
import { feedCurrent_a } from "./feeds.ts";
import { digits, FindingCode, Notes, type Report } from "./finding.ts";

/** Share of a resistor's rating that a design uses: its value drifts less. */
const SHARE = 0.5;
/** Share of the current that proves off which the monitor's own error may be: the rest is the target's leakage. */
const OFFSET_SHARE = 0.5;

/** Rated power of a shunt in air of a temperature, derated along the line of its data sheet. */
export function shuntRating_w(shunt: ShuntPart, ambient_c: number): number {
  const [full, none] = shunt.derate_c;
  if (ambient_c <= full) return shunt.rated_w;
  return ambient_c >= none ? 0 : (shunt.rated_w * (none - ambient_c)) / (none - full);
}

/** Shunts against what reads them and against their power; the common mode against the parts that sit on the rail. */
export function checkSensing(design: BoardDesign): Report {
  const notes = new Notes(design, "sensing");
  for (const path of design.paths) checkPath(path, design.ambient_c, notes);
  for (const feed of design.feeds) {
    if (feed.sense === null) continue;
    const fed = design.paths.filter((path) => path.supply.nominal_v === feed.supply.volts);
    const all = feedCurrent_a(design, feed);
    const { shunt, range } = feed.sense;
    const highest_v = Math.max(...fed.map(({ supply }) => supply.max_v), feed.supply.volts);
    checkRange(feed.name, "all channels and the board", all, shunt, range, highest_v, notes);
    checkHeat(feed.name, all, shunt, design.ambient_c, notes);
  }
  return notes;
}

function checkPath({ channel, shunt, limits, senses, supply }: PowerPath, ambient_c: number, notes: Notes): void {
  const subject = `channel ${channel}`;
  for (const { limit, range } of senses) {
    checkRange(subject, limit, limits[limit], shunt, range, supply.max_v, notes);
    if (range.offset_v === null || limits.off_below_a === undefined) continue;
    const error_a = range.offset_v / shunt.ohm;
    const allowed_a = limits.off_below_a * OFFSET_SHARE;
    const least = `${digits(error_a * 1000)} mA`;
    notes.figure(`${subject}, ${range.part} without current`, least, `${digits(allowed_a * 1000)} mA`);
    if (error_a <= allowed_a) continue;
    const message = `${range.part} with ${digits(shunt.ohm * 1000)} mOhm is off by up to ${least} without current; off is proved below ${digits(limits.off_below_a * 1000)} mA, half of which is allowed`;
    const mend = `fit at least ${digits((range.offset_v / allowed_a) * 1000)} mOhm or raise off_below_a`;
    notes.fault(FindingCode.shuntResolution, subject, message, mend);
  }
  checkHeat(subject, limits.hard_a, shunt, ambient_c, notes);
}

function checkRange(
  subject: string,
  limit: string,
  limit_a: number,
  shunt: ShuntPart,
  range: SenseRange,
  highest_v: number,
  notes: Notes,
): void {
  const full_a = range.shunt_v / shunt.ohm;
  const what = `${range.part} with ${digits(shunt.ohm * 1000)} mOhm`;
  notes.figure(
    `${subject}, ${limit} of ${digits(limit_a)} A`,
    `${what} reads ${digits(full_a)} A`,
    `${digits(limit_a)} A`,
  );
  if (limit_a > full_a) {
    const message = `${what} is at its full scale at ${digits(full_a)} A, below ${limit} of ${digits(limit_a)} A`;
    const mend = `fit at most ${digits((range.shunt_v / limit_a) * 1000)} mOhm or lower ${limit}`;
    notes.fault(FindingCode.shuntRange, subject, message, mend);
  }
  const [low, high] = range.common_mode_v;
  if (highest_v > high || low > 0) {
    const message = `${range.part} bears ${low} to ${high} V, the rail goes from 0 to ${highest_v} V`;
    notes.fault(FindingCode.commonMode, subject, message, "take a part with a wider range or a lower supply class");
  }
}

function checkHeat(subject: string, ampere: number, shunt: ShuntPart, ambient_c: number, notes: Notes): void {
  const watts = ampere ** 2 * shunt.ohm;
  const rating = shuntRating_w(shunt, ambient_c) * SHARE;
  notes.figure(
    `${subject}, power of ${shunt.part} at ${digits(ampere)} A`,
    `${digits(watts)} W`,
    `${digits(rating)} W`,
  );
  if (watts <= rating) return;
  const message = `${shunt.part} turns ${digits(watts)} W into heat at ${digits(ampere)} A; half of its rating at ${ambient_c} C is ${digits(rating)} W`;
  notes.fault(FindingCode.shuntPower, subject, message, "fit a lower resistance or a larger size");
}
