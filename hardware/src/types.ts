/** Shapes of hardware data: what a board is made of and how it is wired. Behaviour lives elsewhere. */

/** A pin of the controller, with what hangs on it. */
export interface PinUse {
  pin: number;
  /** In headers and drawings: `converter_rx`. */
  name: string;
  /** As in the controller's function table; `SIO` is plain GPIO. */
  function: string;
  use: string;
  direction: "in" | "out" | "bus";
}

/** One target channel of a monitoring board. */
export interface Channel {
  /** Number on the connector, from 1. */
  number: number;
  /** 7-bit address of its INA226 on the monitor bus. */
  monitor_address: number;
  /** High-side shunt shared by the monitor and the fast amplifier. */
  shunt_ohm: number;
  /** Bits of the output chain, counted from the first bit of the first 74HC595. */
  switch_bit: number;
  discharge_bit: number;
  reset_bit: number;
  strap_bit: number;
  /** Input pin for the target's marker. */
  marker_pin: number;
}

/** Fast current chain: shunt, amplifier, simultaneous-sampling converter. */
export interface FastCurrent {
  amplifier_gain: number;
  /** Full scale of the converter input, plus and minus. */
  full_scale_v: number;
  /** Codes of a positive full scale (32768 for 16-bit words). */
  full_scale_code: number;
  /** Sampling period of the stream. */
  period_us: number;
  rows_per_block: number;
  /** Rows of a block at the sampler's highest rates. */
  rows_per_dense_block: number;
}

/** Limits by which a channel's state is proved, and its ratings. */
export interface ChannelLimits {
  /** On is proved inside this band around the nominal voltage of the rail. */
  on_tolerance: number;
  on_within_ms: number;
  /** Off is proved below both within `off_within_ms`. */
  off_below_v: number;
  off_below_a: number;
  off_within_ms: number;
  /** Largest current that the channel may carry; above it for `slow_ms` the channel is switched off. */
  rated_a: number;
  slow_ms: number;
  /** Above this the monitor's alert pin opens the switch, and so does the sampler. */
  hard_a: number;
  /** Hard limit of the first `inrush_ms` after switching on; the sampler's compare rests where it cannot measure that far. */
  inrush_a: number;
  inrush_ms: number;
  /** Software limits where no others are set: current into the board, and by how much the two currents may disagree. */
  reverse_ma: number;
  drift_ma: number;
}

/** One term of the uncertainty of a measured quantity, after calibration. */
export interface ErrorTerm {
  term: string;
  /** Half width of a rectangular distribution, or the standard deviation of a normal one. */
  half_width: number;
  unit: "relative" | "ampere" | "volt";
  distribution: "rectangular" | "normal";
  source: string;
}

/** The limits that a channel without hardware protection has. */
export type SlowLimits = Omit<ChannelLimits, "hard_a" | "inrush_a" | "inrush_ms" | "reverse_ma" | "drift_ma">;

/** One target channel of a floor board: lines of its own, and an ADM1272. */
export interface FloorChannel {
  number: number;
  /** 7-bit address of its ADM1272 on the monitors' bus. */
  monitor_address: number;
  shunt_ohm: number;
  /** Pins of the board's connector. */
  switch_pin: number;
  discharge_pin: number;
  reset_pin: number;
}

export interface FloorBoard {
  kind: "floor";
  revision: string;
  channels: FloorChannel[];
  nominal_v: number;
  limits: SlowLimits;
  monitor_bus: number;
  /** 7-bit address of the TMP105 on the monitors' bus. */
  thermometer_address: number;
}

export interface MonitoringBoard {
  kind: "monitoring";
  revision: string;
  controller: string;
  channels: Channel[];
  nominal_v: number;
  fast_current: FastCurrent;
  limits: ChannelLimits;
  /** Number of bits of the 74HC595 chain. */
  chain_bits: number;
  chain: { data_pin: number; clock_pin: number; latch_pin: number };
  /** Wired-or of the monitors' alert outputs, low when one asserts. */
  alert_pin: number;
  monitor_bus: number;
  panel_bus: number;
  /** 7-bit address of the TMP105 on the panel's bus. */
  thermometer_address: number;
  lcd: { address: number; columns: number; rows: number };
  buttons: { up: number; down: number; select: number; stop: number };
  /** Parts of the panel's bus: monitor of the rack's supply with its shunt, EEPROM. */
  supply: { address: number; shunt_ohm: number };
  eeprom_address: number;
  /** 7-bit address of the expander on the panel's bus that reads what the gates of the switches get: bit n of channel n + 1. */
  readback_address: number;
}
