import type { BoardDesign, Feed, PowerPath } from "../designs/types.ts";
import { digits, FindingCode, Notes, type Report } from "./finding.ts";
import { checkGateDrive, gateOff_ms } from "./gate-drive.ts";

/** Continuous current of a fuse over its rating at room temperature (Littelfuse, Fuseology: 75 %). */
const FUSE_SHARE = 0.75;
/** Pulse energy over the melting value that a fuse bears 100,000 times (Littelfuse, Fuseology, pulse cycles: 22 %). */
const PULSE_SHARE = 0.22;
/** What a proof of off needs behind the decay: two sweeps of the monitors, and settling. */
const PROOF_MS = 40;

/** Time in which a capacitance falls from the rail's highest voltage below the one that proves it off, in milliseconds. */
export function decay_ms(path: PowerPath, ohm: number): number {
  return ohm * path.load_uf * 1e-3 * Math.log(path.supply.max_v / path.limits.off_below_v);
}

/** Ratings of a channel's connector, fuse, switch and discharge against its limits; feeds against the sum of the channels. */
export function checkPower(design: BoardDesign): Report {
  const notes = new Notes(design, "power");
  for (const path of design.paths) {
    checkRatings(path, notes);
    checkSwitch(path, notes);
    checkGateDrive(path, notes);
    checkDischarge(path, notes);
  }
  for (const feed of design.feeds) checkFeed(design, feed, notes);
  const unfed = new Set(
    design.paths
      .filter(({ supply }) => !design.feeds.some((feed) => feed.supply.volts === supply.nominal_v))
      .map(({ supply }) => supply.name),
  );
  for (const name of unfed) {
    notes.fault(FindingCode.feedMissing, `class of ${name}`, "no feed has this voltage", "add a feed for the class");
  }
  return notes;
}

function checkRatings({ channel, connector, fuse, limits, supply, ...path }: PowerPath, notes: Notes): void {
  const subject = `channel ${channel}`;
  const name = `${path.connector_name} ${connector.part}`;
  // Without a fuse the connector bears what the switch limits to.
  const carried = fuse === null ? "hard_a" : "rated_a";
  notes.figure(`${subject}, connector ${name}`, `${limits[carried]} A`, `${connector.rated_a} A`);
  if (limits[carried] > connector.rated_a || supply.max_v > connector.max_v) {
    const message = `${name} is rated ${connector.rated_a} A and ${connector.max_v} V, the channel carries ${limits[carried]} A (${carried}) at up to ${supply.max_v} V`;
    notes.fault(FindingCode.connectorRating, subject, message, `fit a stronger connector or lower ${carried}`);
  }
  if (fuse === null) return;
  const continuous = fuse.rated_a * FUSE_SHARE;
  notes.figure(`${subject}, fuse ${fuse.part}`, `${limits.rated_a} A`, `${digits(continuous)} A continuous`);
  if (limits.rated_a > continuous || supply.max_v > fuse.max_v) {
    const message = `fuse ${fuse.part} carries ${digits(continuous)} A for ever at up to ${fuse.max_v} V, the channel is rated ${limits.rated_a} A at ${supply.max_v} V`;
    notes.fault(
      FindingCode.fuseRating,
      subject,
      message,
      `fit a fuse of at least ${digits(limits.rated_a / FUSE_SHARE)} A`,
    );
  }
  const pulse = limits.inrush_a ** 2 * (limits.inrush_ms / 1000);
  const bears = fuse.melting_a2s * PULSE_SHARE;
  notes.figure(`${subject}, inrush through the fuse`, `${digits(pulse)} A2s`, `${digits(bears)} A2s`);
  if (pulse > bears) {
    const message = `fuse ${fuse.part} bears ${digits(bears)} A2s at every start, the inrush limit allows ${digits(pulse)} A2s`;
    notes.fault(FindingCode.fuseInrush, subject, message, "fit a slower fuse or lower inrush_a or inrush_ms");
  }
  if (fuse.rated_a > connector.rated_a) {
    const message = `fuse ${fuse.part} opens above ${fuse.rated_a} A, ${name} behind it bears ${connector.rated_a} A`;
    notes.fault(FindingCode.fuseAbove, subject, message, "fit a fuse below the connector's rating");
  }
}

function checkSwitch(path: PowerPath, notes: Notes): void {
  const { channel, limits, supply } = path;
  const part = path.switch;
  const subject = `channel ${channel}`;
  if (supply.max_v > part.max_v) {
    const message = `${part.part} bears ${part.max_v} V, the rail goes to ${supply.max_v} V`;
    notes.fault(FindingCode.switchVoltage, subject, message, "take a switch for a higher voltage");
  }
  if (limits.hard_a > part.max_a) {
    const message = `${part.part} carries ${part.max_a} A, hard_a is ${limits.hard_a} A`;
    notes.fault(FindingCode.switchCurrent, subject, message, "take a stronger switch or lower hard_a");
  }
  // Where a network sets the slew, its own check judges the inrush.
  if (part.gate_v !== null) return;
  const inrush_a = path.load_uf * path.slew_v_per_ms * 1e-3;
  const rise_ms = supply.max_v / path.slew_v_per_ms;
  const value = `${digits(inrush_a)} A for ${digits(rise_ms)} ms`;
  notes.figure(`${subject}, inrush of ${path.load_uf} uF`, value, `${limits.inrush_a} A for ${limits.inrush_ms} ms`);
  if (inrush_a > limits.inrush_a || rise_ms > limits.inrush_ms) {
    const message = `${path.load_uf} uF at ${path.slew_v_per_ms} V/ms draw ${value}, limits are ${limits.inrush_a} A for ${limits.inrush_ms} ms`;
    notes.fault(FindingCode.inrush, subject, message, "change the slew, the allowed capacitance or the limits");
  }
}

function checkDischarge(path: PowerPath, notes: Notes): void {
  const { discharge, limits, supply, load_uf } = path;
  if (discharge === null) return;
  const subject = `channel ${path.channel}`;
  const takes = decay_ms(path, discharge.ohm);
  const opens = gateOff_ms(path);
  const allowed = limits.off_within_ms - PROOF_MS - opens;
  if (allowed <= 0) {
    const when = Number.isFinite(opens) ? `${digits(opens)} ms after the driver's edge` : "never";
    const message = `its switch is open ${when}; off is proved within ${limits.off_within_ms} ms, of which the proof needs ${PROOF_MS} ms`;
    notes.fault(FindingCode.switchOff, subject, message, "give the gate a way to its sources with less resistance");
    return;
  }
  notes.figure(`${subject}, discharge of ${load_uf} uF`, `${digits(takes)} ms`, `${digits(allowed)} ms`);
  if (takes > allowed) {
    const message = `${discharge.ohm} Ohm take ${load_uf} uF from ${supply.max_v} V below ${limits.off_below_v} V in ${digits(takes)} ms; off is proved within ${limits.off_within_ms} ms, of which the proof needs ${PROOF_MS} ms and the switch ${digits(opens)} ms`;
    const mend = `fit at most ${digits((discharge.ohm * allowed) / takes)} Ohm or allow less capacitance`;
    notes.fault(FindingCode.dischargeTime, subject, message, mend);
  }
  const watts = supply.max_v ** 2 / discharge.ohm;
  notes.figure(`${subject}, discharge against a stuck switch`, `${digits(watts)} W`, `${discharge.rated_w} W`);
  if (watts > discharge.rated_w) {
    const message = `${discharge.part} turns ${digits(watts)} W into heat when the switch sticks at ${supply.max_v} V, it is rated ${discharge.rated_w} W`;
    notes.fault(FindingCode.dischargePower, subject, message, "fit a stronger resistor or a higher resistance");
  }
}

/** Current of a feed's channels at their rating, and what the board itself draws from it. */
export function feedCurrent_a(design: BoardDesign, feed: Feed): { channels: number; all: number } {
  const fed = design.paths.filter((path) => path.supply.nominal_v === feed.supply.volts);
  const channels = fed.reduce((total, { limits }) => total + limits.rated_a, 0);
  return { channels, all: channels + feed.own.ampere };
}

function checkFeed(design: BoardDesign, feed: Feed, notes: Notes): void {
  const { connector, fuse, supply, own } = feed;
  const fed = design.paths.filter((path) => path.supply.nominal_v === supply.volts);
  const { channels, all } = feedCurrent_a(design, feed);
  // Without a fuse of its own the board hangs behind that of the channels.
  const fused = own.fuse === null ? all : channels;
  const limit = Math.min(connector.rated_a, supply.rated_a);
  const melts = fuse.rated_a * FUSE_SHARE;
  if (fed.length > 0) {
    const what = `${fed.length} channels`;
    notes.figure(feed.name, `${digits(all)} A for ${what} and the board`, `${digits(limit)} A`);
    const behind = own.fuse === null ? `${what} and the board` : what;
    notes.figure(
      `${feed.name}, fuse ${fuse.part}`,
      `${digits(fused)} A for ${behind}`,
      `${digits(melts)} A continuous`,
    );
  }
  // A feed that is empty in this fitting is wired all the same.
  const volts = Math.max(supply.volts, ...fed.map((path) => path.supply.max_v));
  for (const part of own.fuse === null ? [fuse] : [fuse, own.fuse]) {
    if (volts <= Math.min(connector.max_v, part.max_v)) continue;
    const message = `it brings up to ${volts} V, connector ${connector.part} bears ${connector.max_v} V and fuse ${part.part} breaks ${part.max_v} V`;
    notes.fault(FindingCode.feedRating, feed.name, message, "fit parts for a higher voltage");
  }
  if (fuse.rated_a > connector.rated_a) {
    const message = `fuse ${fuse.part} opens above ${fuse.rated_a} A, connector ${connector.part} before it bears ${connector.rated_a} A`;
    notes.fault(FindingCode.fuseAbove, feed.name, message, "fit a fuse below the connector's rating");
  }
  if (all > limit) {
    const message = `${fed.length} channels and the board draw ${digits(all)} A, connector ${connector.part} and ${supply.part} together carry ${digits(limit)} A`;
    notes.fault(FindingCode.feedRating, feed.name, message, "fit stronger parts or lower rated_a");
  }
  if (fused > melts) {
    const drawn = own.fuse === null ? "channels and the board draw" : "channels draw";
    const message = `${fed.length} ${drawn} ${digits(fused)} A through fuse ${fuse.part}, which carries ${digits(melts)} A for ever`;
    notes.fault(
      FindingCode.feedRating,
      feed.name,
      message,
      "fit a stronger fuse, give the board its own, or lower rated_a",
    );
  }
  if (own.fuse === null) return;
  const bears = own.fuse.rated_a * FUSE_SHARE;
  notes.figure(
    `${feed.name}, fuse ${own.fuse.part} of the board`,
    `${digits(own.ampere)} A`,
    `${digits(bears)} A continuous`,
  );
  if (own.ampere > bears) {
    const message = `the board itself draws ${digits(own.ampere)} A through fuse ${own.fuse.part}, which carries ${digits(bears)} A for ever`;
    notes.fault(FindingCode.feedRating, feed.name, message, "fit a stronger fuse for the board");
  }
}
