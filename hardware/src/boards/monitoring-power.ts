/** What a channel's switch and discharge do to a rail: the same for a builder and for the simulated rail. */
export const monitoringPower = {
  /** Two resistors of 100 Ohm side by side: they bear a switch that sticks while the channel discharges. */
  discharge_ohm: 50,
  /** The switch lets the voltage rise no faster, so inrush is capacitance times this. */
  slew_v_per_ms: 1,
} as const;
