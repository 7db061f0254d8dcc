/**
 * INA226 current, voltage and power monitor (Texas Instruments SBOS547B). 16-bit registers, most significant byte
 * first; a read continues from the register pointer written last.
 */
export const INA226 = {
  registers: {
    configuration: 0x00,
    shunt_voltage: 0x01,
    bus_voltage: 0x02,
    power: 0x03,
    current: 0x04,
    calibration: 0x05,
    mask_enable: 0x06,
    alert_limit: 0x07,
    manufacturer_id: 0xfe,
    die_id: 0xff,
  },
  /** Configuration after reset: averages 1, 1.1 ms conversions, shunt and bus continuous. */
  configuration_reset: 0x4127,
  /** Averages 1, 332 us bus and shunt conversions, continuous: both are new every 664 us. */
  configuration_sweep: 0x4000 | (2 << 6) | (2 << 3) | 7,
  /** Mask/Enable: alert on shunt over-voltage, latched until the register is read; the flag that says which part it was. */
  alert_shunt_over: 0x8000,
  alert_latch: 0x0001,
  alert_flag: 0x0010,
  manufacturer_id: 0x5449,
  die_id: 0x2260,
  /** Bus voltage per code, unsigned. */
  bus_lsb_v: 0.00125,
  /** Shunt voltage per code, two's complement; full scale 81.92 mV. */
  shunt_lsb_v: 0.0000025,
  /** Largest gain error of the bus and shunt measurement, as data-sheet maximum. */
  gain_error: 0.001,
  /** Largest offsets: bus 7.5 mV, shunt 10 uV. */
  bus_offset_v: 0.0075,
  shunt_offset_v: 0.00001,
  /** Bus-voltage input range that the common mode must stay in. */
  bus_range_v: 36,
  conversion_us: [140, 204, 332, 588, 1100, 2116, 4156, 8244],
  averages: [1, 4, 16, 64, 128, 256, 512, 1024],
} as const;
