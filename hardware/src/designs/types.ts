import type { PinUse } from "../types.ts";
import type { Crystal, Feed, PowerPath, Regulator } from "./power-types.ts";

export type {
  ConnectorPart,
  Crystal,
  Feed,
  FusePart,
  FuseRating,
  GateDrive,
  GateFacts,
  GateParts,
  PowerPath,
  Regulator,
  SenseRange,
  ShuntPart,
  SupplyClass,
  SwitchPart,
  Trace,
} from "./power-types.ts";

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
  regulators: Regulator[];
  crystals: Crystal[];
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
  /** Names of its pins on the bus where they are not SDA and SCL. */
  lines?: { SDA: string; SCL: string };
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

/** A line of the bill of materials. Its parts have all pins on nets but those that it names as left open. */
export interface BomLine {
  /** One, a range, or both with commas: `R1-R8, R12`. */
  designators: string;
  quantity: number;
  part: string;
  maker: string;
  what: string;
  ratings: string;
  /** Pins that are left open on purpose: of all parts of the line, `2Q`, or of one of them, `U23.QH'`. */
  open?: readonly string[];
}
