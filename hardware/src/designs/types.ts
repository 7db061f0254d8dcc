import type { ChannelLimits, PinUse } from "../types.ts";

/**
 * A board as its checks and pages see it: every part that can be bought, every wire, every rating. Firmware reads the
 * slim data in `boards/`; a design takes its pins, addresses and limits from there and adds what only a builder needs.
 */
export interface BoardDesign {
  name: string;
  title: string;
  revision: string;
  /** What exists of it in copper, said as a whole sentence. */
  copper: string;
  /** Air around the board that the ratings are checked at. */
  ambient_c: number;
  pins: readonly PinUse[];
  /** Pins that firmware uses in an emulated chip although the module has no pad for them, with the reason. */
  emulated_only: Record<number, string>;
  buses: BusDesign[];
  /** Inputs that open-drain outputs share. */
  shared_lines: SharedLine[];
  outputs: OutputDesign[];
  /** Bits that firmware shifts into the chain of registers; zero where there is none. */
  chain_bits: number;
  gate: OutputGate | null;
  /** Signals between the parts; `channel` is null for those that the board has once. */
  wires: Wire[];
  timing: Timing | null;
  paths: PowerPath[];
  feeds: Feed[];
  bom: BomLine[];
}

/** What a bus check needs to know of a part, from its data sheet. */
export interface BusPart {
  part: string;
  /** 7-bit addresses that its pins can choose. */
  addresses: readonly number[];
  max_hertz: number;
  /** Of one bus pin. */
  pin_pf: number;
  supply_v: readonly [number, number];
  source: string;
}

export interface BusDesign {
  /** As in the function table: `I2C0`. */
  name: string;
  sda: number;
  scl: number;
  hertz: number;
  supply_v: number;
  /** Zero: no resistor is fitted. */
  pull_up_ohm: number;
  trace_mm: number;
  cable_mm: number;
  devices: { designator: string; what: string; part: BusPart; address: number }[];
}

/** An input with a pull-up, pulled low by open-drain outputs, each through a diode where they must not see each other. */
export interface SharedLine {
  name: string;
  pin: number;
  pull_up_ohm: number;
  sources: number;
  /** Largest level of a source that sinks the pull-up's current. */
  source_low_v: number;
  diode_v: number;
}

/** A line that a controller's pin or a bit of the shift register drives, and what holds it while nothing drives. */
export interface OutputDesign {
  name: string;
  channel: number | null;
  driver: { bit: number } | { pin: number };
  /** Level at which the target sees nothing of it. */
  safe: "low" | "high";
  pull_ohm: number;
  pull: "up" | "down" | null;
}

/** What takes the shift register's outputs away when firmware stops. */
export interface OutputGate {
  part: string;
  /** Edges that keep it open come from this pin. */
  kick_pin: number;
  resistor_ohm: number;
  capacitor_uf: number;
  /** tW = factor x R x C (74HC123 data sheet, AC characteristics, note 2), and its spread with the parts'. */
  factor: number;
  spread: number;
  /** Longest that outputs may outlive the firmware. */
  limit_ms: number;
  /** Longest between two edges of firmware that is well. */
  kick_every_ms: number;
  /** The output-enable input of the registers. */
  enable: { active: "low" | "high"; idle: "enabled" | "disabled"; driven_by: "gate" | "fixed" };
  /** Holds the gate shut while the supply is low. */
  supervisor: string | null;
}

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
  junction_k_per_w: number;
  junction_max_c: number;
  source: string;
}

export interface FusePart {
  part: string;
  rated_a: number;
  max_v: number;
  cold_ohm: number;
  melting_a2s: number;
  source: string;
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
    Partial<Pick<ChannelLimits, "off_below_a">>;
  /** Largest capacitance that a target may have. */
  load_uf: number;
  slew_v_per_ms: number;
  shunt: ShuntPart;
  /** What reads the rating and the hard limit, and what reads the inrush; one part may do both. */
  senses: { limit: "hard_a" | "inrush_a"; range: SenseRange }[];
  switch: SwitchPart;
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
  fuse: Pick<FusePart, "part" | "rated_a" | "max_v" | "source">;
  supply: { part: string; rated_a: number; volts: number };
  /** What measures the whole rack, where something does. */
  sense: { shunt: ShuntPart; range: SenseRange } | null;
}

/** Clocks and times that must fit each other. */
export interface Timing {
  converter: {
    part: string;
    system_hz: number;
    clkin_hz: number;
    clkin_range_hz: readonly [number, number];
    oversampling: number;
    rate_hz: number;
    frame_bits: number;
    sclk_hz: number;
    sclk_max_hz: number;
  };
  /** The monitors are read one after the other, so many registers each, by pointer and read. */
  sweep: { bus: string; registers: number; period_ms: number };
  /** A monitor alternates conversions of shunt and bus; each takes this at most. */
  alert: { part: string; conversion_us: number; limit_us: number };
}

/** A net: designator and pin of every end, `U17.DOUT`. */
export interface Wire {
  net: string;
  channel: number | null;
  ends: string[];
  note?: string;
}

/** A line of the bill of materials. */
export interface BomLine {
  /** One, a range, or both with commas: `R1-R8, R12`. */
  designators: string;
  quantity: number;
  part: string;
  maker: string;
  what: string;
  ratings: string;
}
