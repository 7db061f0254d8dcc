import type { BoardDesign, Feed, PowerPath } from "../designs/types.ts";
import { digits, FindingCode, Notes, type Report } from "./finding.ts";

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
  if (part.gate_v !== null && (supply.min_v < part.gate_v[0] || supply.max_v > part.gate_v[1])) {
    const message = `${part.part} wants ${part.gate_v.join(" to ")} V at its gate, the rail gives ${supply.min_v} to ${supply.max_v} V`;
    notes.fault(FindingCode.switchGate, subject, message, "clamp the gate, or take a part for that drive");
  }
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
  const allowed = limits.off_within_ms - PROOF_MS;
  notes.figure(`${subject}, discharge of ${load_uf} uF`, `${digits(takes)} ms`, `${allowed} ms`);
  if (takes > allowed) {
    const message = `${discharge.ohm} Ohm take ${load_uf} uF from ${supply.max_v} V below ${limits.off_below_v} V in ${digits(takes)} ms; off is proved within ${limits.off_within_ms} ms, of which the proof needs ${PROOF_MS} ms`;
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

function checkFeed(design: BoardDesign, feed: Feed, notes: Notes): void {
  const { connector, fuse, supply } = feed;
  const fed = design.paths.filter((path) => path.supply.nominal_v === supply.volts);
  const sum = fed.reduce((total, { limits }) => total + limits.rated_a, 0);
  const limit = Math.min(connector.rated_a, fuse.rated_a * FUSE_SHARE, supply.rated_a);
  if (fed.length > 0) notes.figure(feed.name, `${digits(sum)} A for ${fed.length} channels`, `${digits(limit)} A`);
  // A feed that is empty in this fitting is wired all the same.
  const volts = Math.max(supply.volts, ...fed.map((path) => path.supply.max_v));
  if (volts > Math.min(connector.max_v, fuse.max_v)) {
    const message = `it brings up to ${volts} V, connector ${connector.part} bears ${connector.max_v} V and fuse ${fuse.part} breaks ${fuse.max_v} V`;
    notes.fault(FindingCode.feedRating, feed.name, message, "fit parts for a higher voltage");
  }
  if (fuse.rated_a > connector.rated_a) {
    const message = `fuse ${fuse.part} opens above ${fuse.rated_a} A, connector ${connector.part} before it bears ${connector.rated_a} A`;
    notes.fault(FindingCode.fuseAbove, feed.name, message, "fit a fuse below the connector's rating");
  }
  if (sum > limit) {
    const message = `${fed.length} channels draw ${digits(sum)} A, connector ${connector.part}, fuse ${fuse.part} and ${supply.part} together carry ${digits(limit)} A`;
    notes.fault(FindingCode.feedRating, feed.name, message, "fit stronger parts or lower rated_a");
  }
}
