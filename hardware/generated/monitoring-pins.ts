/** Pins of the Monitoring board. Generated from hardware/src by `npm run -s hardware -- docs`; do not edit. */
export const pins = {
  /** marker of channel 1 */
  marker_1: 0,
  /** marker of channel 2 */
  marker_2: 1,
  /** marker of channel 3 */
  marker_3: 2,
  /** marker of channel 4 */
  marker_4: 3,
  /** marker of channel 5 */
  marker_5: 4,
  /** marker of channel 6 */
  marker_6: 5,
  /** marker of channel 7 */
  marker_7: 6,
  /** marker of channel 8 */
  marker_8: 7,
  /** SDA, channel monitors */
  monitor_sda: 8,
  /** SCL, channel monitors */
  monitor_scl: 9,
  /** SDA, panel, temperature, EEPROM */
  panel_sda: 10,
  /** SCL, panel, temperature, EEPROM */
  panel_scl: 11,
  /** converter DOUT */
  converter_rx: 12,
  /** converter CS */
  converter_cs: 13,
  /** converter SCLK */
  converter_sck: 14,
  /** converter DIN */
  converter_tx: 15,
  /** converter DRDY */
  converter_drdy: 16,
  /** button up */
  button_up: 17,
  /** button down */
  button_down: 18,
  /** button select */
  button_select: 19,
  /** button stop */
  button_stop: 20,
  /** converter CLKIN */
  converter_clkin: 21,
  /** alert, wired-or of the monitors */
  alert: 22,
  /** 74HC595 chain, serial data */
  chain_data: 26,
  /** 74HC595 chain, shift clock */
  chain_clock: 27,
  /** 74HC595 chain, latch clock; feeds the gate */
  chain_latch: 28,
} as const;
