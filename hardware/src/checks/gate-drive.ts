import type { GateDrive, GateFacts, PowerPath } from "../designs/types.ts";
import { digits, FindingCode, type Notes } from "./finding.ts";

/** How far the slew of typical parts may be from the number that limits and simulated rails take. */
const SLEW_SHARE = 0.15;
/** Data sheets give capacitances of MOSFETs as typical values; this much more or less is assumed. */
const MOSFET_SPREAD = 0.2;

interface Network {
  drive: GateDrive;
  gate: GateFacts;
  elements: number;
}

const networkOf = ({ gate_drive: drive, switch: part }: PowerPath): Network | null =>
  drive === null || part.gate === null ? null : { drive, gate: part.gate, elements: part.in_series };

/** Share of the rail that comes to the gate: R_gs / (R_gs + R_drive), all of it without a resistor from gate to sources. */
function gateShare({ drive_ohm, gate_source_ohm }: GateDrive): number {
  return gate_source_ohm === null ? 1 : gate_source_ohm / (gate_source_ohm + drive_ohm);
}

/** Voltage between gate and sources that stays on, at a rail's voltage of which the way to the sources takes a drop. */
function gate_v({ drive, gate, elements }: Network, rail_v: number, drop_v: number): number {
  const leak_v = elements * gate.leak_ua * 1e-6 * drive.drive_ohm;
  return gateShare(drive) * (rail_v - drop_v - leak_v);
}

/**
 * Rise of the output in volts a millisecond. While it rises the gate stands at the threshold, and what the drive resistor
 * takes out flows through the capacitor: C dV/dt = (V - Vth) / R_drive - Vth / R_gs.
 */
function slew_v_per_ms({ drive, gate }: Network, rail_v: number, threshold_v: number, sign: -1 | 0 | 1): number {
  const ohm = drive.drive_ohm * (1 - sign * drive.ohm_spread);
  const held_a = drive.gate_source_ohm === null ? 0 : threshold_v / drive.gate_source_ohm;
  const nf = drive.capacitor_nf * (1 - sign * drive.capacitor_spread) + gate.transfer_nf * (1 - sign * MOSFET_SPREAD);
  return (((rail_v - threshold_v) / ohm - held_a) / (nf * 1e-9)) * 1e-3;
}

/** Largest capacitance that hangs on the gate before and behind the rise of the output, in farads. */
function gateFarad({ drive, gate, elements }: Network): number {
  const input = elements * gate.input_nf * (1 + MOSFET_SPREAD);
  return (drive.capacitor_nf * (1 + drive.capacitor_spread) + input) * 1e-9;
}

/** Longest time from the driver's edge until the output is up, in milliseconds; infinite where the gate never gets there. */
function on_ms(path: PowerPath, network: Network): number {
  const { drive, gate } = network;
  const most_v = gate.threshold_v[2];
  const rail_v = path.supply.min_v;
  const share = gateShare(drive);
  const slew = slew_v_per_ms(network, rail_v, most_v, -1);
  if (slew <= 0) return Number.POSITIVE_INFINITY;
  const ohm = drive.drive_ohm * share * (1 + drive.ohm_spread);
  const wait_ms = ohm * gateFarad(network) * 1e3 * Math.log((rail_v * share) / (rail_v * share - most_v));
  return wait_ms + rail_v / slew;
}

/**
 * Longest time from the driver's edge until the switch is open, in milliseconds: the gate falls to the least threshold and
 * stands there while the output falls. Through a diode it only comes down to the diode's voltage, so that is taken off.
 */
export function gateOff_ms(path: PowerPath): number {
  const network = networkOf(path);
  if (network === null) return 0;
  const { drive, gate } = network;
  const way_ohm = drive.pull_ohm === null ? null : drive.pull_ohm + (drive.diode_v === null ? drive.drive_ohm : 0);
  const siemens = [way_ohm, drive.gate_source_ohm].reduce<number>(
    (sum, ohm) => sum + (ohm === null ? 0 : 1 / (ohm * (1 + drive.ohm_spread))),
    0,
  );
  const diode_a = way_ohm === null ? 0 : (drive.diode_v ?? 0) / (way_ohm * (1 + drive.ohm_spread));
  const end_v = siemens === 0 ? Number.POSITIVE_INFINITY : diode_a / siemens;
  const [least_v] = gate.threshold_v;
  if (end_v >= least_v) return Number.POSITIVE_INFINITY;
  const from_v = path.supply.max_v * gateShare(drive);
  const fall_ms = (gateFarad(network) / siemens) * 1e3 * Math.log((from_v - end_v) / (least_v - end_v));
  const nf = drive.capacitor_nf * (1 + drive.capacitor_spread) + gate.transfer_nf * (1 + MOSFET_SPREAD);
  const output_ms = ((path.supply.max_v * nf * 1e-9) / ((least_v - end_v) * siemens)) * 1e3;
  return fall_ms + output_ms;
}

/** Network of a gate against the drive that the switch's resistance needs, and against slew and times of the limits. */
export function checkGateDrive(path: PowerPath, notes: Notes): void {
  const { channel, limits, supply } = path;
  const part = path.switch;
  const network = networkOf(path);
  const subject = `channel ${channel}`;
  if (part.gate_v === null) return;
  if (network === null) {
    const message = `nothing is said of what drives the gate of ${part.part}`;
    notes.fault(FindingCode.switchGate, subject, message, "enter its gate network and its thresholds");
    return;
  }
  const drop_v = limits.hard_a * ((path.fuse?.cold_ohm ?? 0) + part.on_ohm * part.hot_factor);
  const [least_v, most_v] = [gate_v(network, supply.min_v, drop_v), gate_v(network, supply.max_v, 0)];
  const [wanted, bears] = part.gate_v;
  const comes = `${digits(least_v)} to ${digits(most_v)} V`;
  notes.figure(`${subject}, gate of ${part.part}`, comes, `${wanted} to ${bears} V`);
  if (least_v < wanted || most_v > bears) {
    const message = `${part.part} wants ${wanted} to ${bears} V at its gate, the network gives ${comes} at a rail of ${supply.min_v} to ${supply.max_v} V`;
    notes.fault(FindingCode.switchGate, subject, message, "correct the network, or take a part for that drive");
    return;
  }
  checkSlew(path, network, notes);
  const takes = on_ms(path, network);
  const within = Math.min(limits.inrush_ms, limits.on_within_ms ?? limits.inrush_ms);
  notes.figure(`${subject}, switch closed and output up`, `${digits(takes)} ms`, `${within} ms`);
  if (takes > within) {
    const message = `the output is up ${digits(takes)} ms after the driver's edge; inrush_ms is ${limits.inrush_ms} ms`;
    notes.fault(FindingCode.switchOn, subject, message, "fit a smaller drive resistor or capacitor");
  }
}

function checkSlew(path: PowerPath, network: Network, notes: Notes): void {
  const { limits, supply, load_uf } = path;
  const subject = `channel ${path.channel}`;
  const [least, typical, most] = network.gate.threshold_v;
  const usual = slew_v_per_ms(network, supply.nominal_v, typical, 0);
  const slow = slew_v_per_ms(network, supply.min_v, most, -1);
  const fast = slew_v_per_ms(network, supply.max_v, least, 1);
  const comes = `${digits(usual)} V/ms (${digits(slow)} to ${digits(fast)})`;
  notes.figure(`${subject}, slew of the gate network`, comes, `${path.slew_v_per_ms} V/ms within 15 %`);
  if (Math.abs(usual / path.slew_v_per_ms - 1) > SLEW_SHARE) {
    const message = `the gate network gives ${comes}, limits and simulated rails take ${path.slew_v_per_ms} V/ms`;
    const mend = `fit about ${digits((network.drive.drive_ohm * usual) / path.slew_v_per_ms / 1000)} kOhm`;
    notes.fault(FindingCode.switchSlew, subject, message, mend);
    return;
  }
  const inrush_a = load_uf * fast * 1e-3;
  notes.figure(
    `${subject}, inrush of ${load_uf} uF at the fastest slew`,
    `${digits(inrush_a)} A`,
    `${limits.inrush_a} A`,
  );
  if (inrush_a > limits.inrush_a) {
    const message = `${load_uf} uF at the fastest slew of ${digits(fast)} V/ms draw ${digits(inrush_a)} A, inrush_a is ${limits.inrush_a} A`;
    notes.fault(FindingCode.inrush, subject, message, "fit a larger capacitor or allow less capacitance");
  }
}
