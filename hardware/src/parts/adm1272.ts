/**
 * ADM1272 hot-swap controller and power monitor (Analog Devices, rev. B). PMBus: a command byte, then words with the least
 * significant byte first. Quantities in PMBus direct format: code = (m x + b) 10^R.
 */
export const ADM1272 = {
  commands: { read_vin: 0x88, read_vout: 0x8b, read_iout: 0x8c, mfr_id: 0x99, pmon_config: 0xd4 },
  /** MFR_ID: a block of three characters, its length first. */
  mfr_id: "ADI",
  /** PMON_CONFIG after reset: 100 V and 30 mV ranges, 128 averages, continuous, output voltage not converted. */
  pmon_config_reset: 0x3f35,
  /** 100 V and 30 mV ranges, no averages, continuous, input and output voltage converted. */
  pmon_config: 0x0037,
  pmon_vout: 0x0002,
  pmon_range_100v: 0x0020,
  pmon_range_30mv: 0x0001,
  /** Direct format of voltages in the 100 V range: m 4062, b 0, R -2, so 24.6 mV a code. */
  volt_m: 4062,
  /** Of currents in the 30 mV range: m 663 for each milliohm of shunt, b 20480, R -1. */
  ampere_m: 663,
  ampere_b: 20480,
} as const;
