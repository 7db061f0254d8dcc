import type { ChannelLimits } from "../types.ts";

/** A class of targets: what their rail may be. */
export interface SupplyClass {
  name: string;
  nominal_v: number;
  min_v: number;
  max_v: number;
}

export interface ShuntPart {
  part: string;
  ohm: number;
  rated_w: number;
  /** Full power up to the first, none at the second. */
  derate_c: readonly [number, number];
  source: string;
}

/** Ranges of what reads the shunt. */
export interface SenseRange {
  part: string;
  /** Largest difference that is read; the smaller of plus and minus. */
  shunt_v: number;
  common_mode_v: readonly [number, number];
  /** Largest difference that it reads of a shunt without current; null where off is not proved by it. */
  offset_v: number | null;
  source: string;
}

export interface SwitchPart {
  part: string;
  /** Elements in series: two against each other where the path must block both ways. */
  in_series: number;
  on_ohm: number;
  /** Resistance at a hot junction over that at 25 degrees. */
  hot_factor: number;
  max_v: number;
  max_a: number;
  /** Gate drive at which `on_ohm` holds, and the most it bears; null for a switch with its own driver. */
  gate_v: readonly [number, number] | null;
  /** What a gate network meets: null where the part has its own driver. */
  gate: GateFacts | null;
  junction_k_per_w: number;
  junction_max_c: number;
  source: string;
}

/** Gate of one element of a switch. Voltages are magnitudes. */
export interface GateFacts {
  /** Least (at the warmest air that the board is checked at), typical and largest threshold. */
  threshold_v: readonly [number, number, number];
  /** Typical input and reverse transfer capacitance. */
  input_nf: number;
  transfer_nf: number;
  /** Largest leakage. */
  leak_ua: number;
}

/**
 * Network between a driver with an open drain and the gate of a high-side switch. The driver pulls its node to ground and,
 * through `drive_ohm`, the gate; `capacitor_nf` from the gate to the switched side holds the gate while the output rises.
 */
export interface GateDrive {
  drive_ohm: number;
  /** From the driver's node to the sources: opens the switch. Null where only `gate_source_ohm` does. */
  pull_ohm: number | null;
  /** Largest forward voltage of a diode from the driver's node to the gate, past `drive_ohm`; null where there is none. */
  diode_v: number | null;
  /** From gate to sources: a divider with `drive_ohm` while the switch is on. */
  gate_source_ohm: number | null;
  capacitor_nf: number;
  /** Part numbers of resistors, capacitor and diode, as they are bought. */
  parts: readonly string[];
  /** Relative spreads of the resistors and the capacitor. */
  ohm_spread: number;
  capacitor_spread: number;
  source: string;
}

/** Designators of a gate network; null where the network has no such part. */
export interface GateParts {
  /** Elements of the switch from the rail to the output, and the driver's transistor. */
  elements: readonly [string, string];
  driver: string;
  drive: string;
  capacitor: string;
  pull: string | null;
  diode: string | null;
  gate_source: string | null;
}

/** What a fuse carries for ever, and the voltage that it breaks. */
export interface FuseRating {
  part: string;
  rated_a: number;
  max_v: number;
  /** A temperature of the air, and the share that it then carries of what it carries at 25 degrees: a line between the two. */
  rerate_c: readonly [celsius: number, share: number];
  source: string;
}

export interface FusePart extends FuseRating {
  cold_ohm: number;
  melting_a2s: number;
}

export interface ConnectorPart {
  part: string;
  rated_a: number;
  max_v: number;
  source: string;
}

export interface Trace {
  width_mm: number;
  copper_um: number;
  length_mm: number;
}

/** The way of a channel's current: fuse, switch, shunt, trace, connector. */
export interface PowerPath {
  channel: number;
  /** Designator of the connector, as printed on the board. */
  connector_name: string;
  supply: SupplyClass;
  limits: Pick<ChannelLimits, "rated_a" | "hard_a" | "inrush_a" | "inrush_ms" | "off_below_v" | "off_within_ms"> &
    Partial<Pick<ChannelLimits, "off_below_a" | "on_within_ms">>;
  /** Largest capacitance that a target may have. */
  load_uf: number;
  slew_v_per_ms: number;
  shunt: ShuntPart;
  /** What reads the rating and the hard limit, and what reads the inrush; one part may do both. */
  senses: { limit: "hard_a" | "inrush_a"; range: SenseRange }[];
  switch: SwitchPart;
  /** Null where the switch has its own driver. */
  gate_drive: GateDrive | null;
  /** Where the gate network is on the board; null with it. */
  gate_parts: GateParts | null;
  /** Where the switch limits the current itself there is none. */
  fuse: FusePart | null;
  discharge: { part: string; ohm: number; rated_w: number } | null;
  connector: ConnectorPart;
  trace: Trace;
}

/** Where power comes in: its parts carry the sum of the channels. */
export interface Feed {
  name: string;
  connector: ConnectorPart;
  /** The fuses of the channels are equal; each has its channels behind it. */
  fuse: FuseRating;
  branches: readonly (readonly number[])[];
  supply: { maker: string; part: string; rated_a: number; volts: number };
  /** What the board itself draws from it at most, and the fuse of that, null where it hangs behind one of the channels'. */
  own: { ampere: number; fuse: FuseRating | null; source: string };
  /** What measures the whole rack, where something does. */
  sense: { shunt: ShuntPart; range: SenseRange } | null;
}

/** A step-down converter with its choke and its divider from output to ground. */
export interface Regulator {
  designator: string;
  part: string;
  input_v: number;
  output_v: number;
  /** Relative error that the load of the rail allows. */
  tolerance: number;
  /** Largest current of the rail, and of the converter. */
  load_a: number;
  rated_a: number;
  reference_v: number;
  reference_spread: number;
  upper_ohm: number;
  lower_ohm: number;
  ohm_spread: number;
  hertz: number;
  choke: { part: string; uh: number; spread: number; saturation_a: number };
  /** Ceramic output capacitance as printed, and what the converter is stable with. */
  output_uf: number;
  output_range_uf: readonly [number, number];
  source: string;
}

/** A crystal with a capacitor from each side to ground. */
export interface Crystal {
  designator: string;
  part: string;
  load_pf: number;
  capacitor_pf: number;
  /** Of each side: pin and trace. */
  stray_pf: number;
  source: string;
}
