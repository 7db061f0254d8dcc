import type { BoardDesign, PowerPath } from "../designs/types.ts";
import { checkFeeds } from "./feeds.ts";
import { digits, FindingCode, Notes, type Report } from "./finding.ts";
import { continuous_a } from "./fuses.ts";
import { checkGateDrive, gateOff_ms } from "./gate-drive.ts";

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
    checkRatings(path, design.ambient_c, notes);
    checkSwitch(path, notes);
    checkGateDrive(path, notes);
    checkDischarge(path, notes);
  }
  checkFeeds(design, notes);
  return notes;
}

function checkRatings(path: PowerPath, ambient_c: number, notes: Notes): void {
  const { channel, connector, fuse, limits, supply } = path;
  const { hard_a } = limits;
  const subject = `channel ${channel}`;
  const name = `${path.connector_name} ${connector.part}`;
  // The time of the slow limit is the user's, so what lies below the hard one may flow for ever.
  notes.figure(`${subject}, connector ${name}`, `${hard_a} A`, `${connector.rated_a} A`);
  if (hard_a > connector.rated_a || supply.max_v > connector.max_v) {
    const message = `${name} is rated ${connector.rated_a} A and ${connector.max_v} V, the channel carries ${hard_a} A (hard_a) at up to ${supply.max_v} V`;
    notes.fault(FindingCode.connectorRating, subject, message, "fit a stronger connector or lower hard_a");
  }
  if (fuse === null) return;
  const continuous = continuous_a(fuse, ambient_c);
  const air = `in air of ${ambient_c} C`;
  notes.figure(`${subject}, fuse ${fuse.part} ${air}`, `${hard_a} A`, `${digits(continuous)} A continuous`);
  if (hard_a > continuous || supply.max_v > fuse.max_v) {
    const message = `fuse ${fuse.part} carries ${digits(continuous)} A for ever ${air}, at up to ${fuse.max_v} V; the channel carries ${hard_a} A (hard_a) at up to ${supply.max_v} V`;
    const mend = `fit a fuse of at least ${digits((hard_a * fuse.rated_a) / continuous)} A`;
    notes.fault(FindingCode.fuseRating, subject, message, mend);
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
