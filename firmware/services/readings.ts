/** The latest reading of a channel's monitor. */
export interface Reading {
  voltage_mv: number;
  current_ua: number;
  /** Sweep number of the reading, to tell a fresh one from an old one. */
  sweep: number;
  missed: number;
}

/** What was read of all channels, sweep by sweep. */
export interface Readings {
  readings: Reading[];
  sweep(this: void): number;
  dead(this: void, index: number): boolean;
}
