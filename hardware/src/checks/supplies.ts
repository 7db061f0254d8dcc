import type { BoardDesign, Crystal, Regulator } from "../designs/types.ts";
import { digits, FindingCode, Notes, type Report } from "./finding.ts";

/** How far the capacitance at a crystal may be from the one it is cut for. */
const LOAD_SHARE = 0.1;
/** What a ceramic capacitor keeps of its printed capacitance at the rail's voltage and temperature. */
const CERAMIC_SHARE = 0.5;

/** Converters against their dividers, chokes and capacitors; crystals against their capacitors. */
export function checkSupplies(design: BoardDesign): Report {
  const notes = new Notes(design, "supplies");
  for (const regulator of design.regulators) checkRegulator(regulator, notes);
  for (const crystal of design.crystals) checkCrystal(crystal, notes);
  return notes;
}

/** Output of a divider: V = Vref x (1 + R_upper / R_lower) (SLVSDG1, setting the output voltage), with relative errors of both. */
function output_v(
  { reference_v, reference_spread, upper_ohm, lower_ohm, ohm_spread }: Regulator,
  sign: number,
): number {
  const ratio = (upper_ohm / lower_ohm) * ((1 + sign * ohm_spread) / (1 - sign * ohm_spread));
  return reference_v * (1 + sign * reference_spread) * (1 + ratio);
}

/** Peak current of a choke: I + V x (1 - V / Vin) / (2 L f) (SLVSDG1, inductor selection). */
function peak_a({ input_v, output_v: volts, load_a, hertz, choke }: Regulator): number {
  return load_a + (volts * (1 - volts / input_v)) / (2 * choke.uh * (1 - choke.spread) * 1e-6 * hertz);
}

function checkRegulator(regulator: Regulator, notes: Notes): void {
  const { designator, part, choke, tolerance, output_range_uf: range } = regulator;
  const subject = `${designator} ${part}`;
  const [least, most] = [output_v(regulator, -1), output_v(regulator, 1)];
  const wanted = `${regulator.output_v} V within ${digits(tolerance * 100)} %`;
  const comes = `${digits(least)} to ${digits(most)} V`;
  notes.figure(`${subject}, output`, comes, wanted);
  if (least < regulator.output_v * (1 - tolerance) || most > regulator.output_v * (1 + tolerance)) {
    const message = `${regulator.upper_ohm} and ${regulator.lower_ohm} Ohm give ${comes}, ${wanted} is wanted`;
    const best = regulator.lower_ohm * (regulator.output_v / regulator.reference_v - 1);
    notes.fault(FindingCode.regulatorVoltage, subject, message, `fit ${digits(best / 1000)} kOhm above`);
  }
  const peak = peak_a(regulator);
  const bears = Math.min(choke.saturation_a, regulator.rated_a);
  notes.figure(`${subject}, peak current of choke ${choke.part}`, `${digits(peak)} A`, `${digits(bears)} A`);
  if (peak > bears) {
    const message = `choke ${choke.part} sees ${digits(peak)} A, it and the converter bear ${digits(bears)} A`;
    notes.fault(FindingCode.regulatorCurrent, subject, message, "fit a stronger choke or converter");
  }
  const kept = regulator.output_uf * CERAMIC_SHARE;
  notes.figure(
    `${subject}, output capacitance`,
    `${digits(kept)} to ${regulator.output_uf} uF`,
    `${range.join(" to ")} uF`,
  );
  if (kept < range[0] || regulator.output_uf > range[1]) {
    const message = `${regulator.output_uf} uF keep ${digits(kept)} uF under voltage, it is stable with ${range.join(" to ")} uF`;
    notes.fault(FindingCode.regulatorOutput, subject, message, "change the output capacitors");
  }
}

/** Two equal capacitors in series with what pins and traces add: C_L = (C + C_stray) / 2. */
function checkCrystal({ designator, part, load_pf, capacitor_pf, stray_pf }: Crystal, notes: Notes): void {
  const comes = (capacitor_pf + stray_pf) / 2;
  notes.figure(`${designator} ${part}, load`, `${digits(comes)} pF`, `${load_pf} pF within ${LOAD_SHARE * 100} %`);
  if (Math.abs(comes / load_pf - 1) <= LOAD_SHARE) return;
  const message = `${capacitor_pf} pF on each side and ${stray_pf} pF of pin and trace load it with ${digits(comes)} pF, it is cut for ${load_pf} pF`;
  notes.fault(FindingCode.crystalLoad, `${designator} ${part}`, message, `fit ${digits(2 * load_pf - stray_pf)} pF`);
}
