import type { PinUse } from "../types.ts";
import { monitoringBoard as board } from "./monitoring.ts";
import { monitoringBuses as buses } from "./monitoring-buses.ts";
import { monitoringConverter } from "./monitoring-converter.ts";

const { pins: converter, spi } = monitoringConverter;
const { chain, buttons } = board;

function bus(name: keyof typeof buses, number: number, what: string): PinUse[] {
  const { sda, scl } = buses[name];
  return [
    { pin: sda, name: `${name}_sda`, function: `I2C${number} SDA`, use: `SDA, ${what}`, direction: "bus" },
    { pin: scl, name: `${name}_scl`, function: `I2C${number} SCL`, use: `SCL, ${what}`, direction: "bus" },
  ];
}

const input = (pin: number, name: string, use: string): PinUse => ({
  pin,
  name,
  function: "SIO",
  use,
  direction: "in",
});
const output = (pin: number, name: string, use: string): PinUse => ({ ...input(pin, name, use), direction: "out" });

/**
 * Pins of a Raspberry Pi Pico that are not markers: 18 of its 26. Apart from the board's other data because firmware needs
 * none of these sentences, and a bundle pays for each byte. Numbers come from the board's data.
 */
export const monitoringPins: PinUse[] = [
  ...bus("monitor", board.monitor_bus, "channel monitors"),
  ...bus("panel", board.panel_bus, "panel, temperature, EEPROM"),
  { ...input(converter.rx, "converter_rx", "converter DOUT"), function: `SPI${spi} RX` },
  { ...output(converter.cs, "converter_cs", "converter CS"), function: `SPI${spi} CSn` },
  { ...output(converter.sck, "converter_sck", "converter SCLK"), function: `SPI${spi} SCK` },
  { ...output(converter.tx, "converter_tx", "converter DIN"), function: `SPI${spi} TX` },
  input(converter.drdy, "converter_drdy", "converter DRDY"),
  input(buttons.up, "button_up", "button up"),
  input(buttons.down, "button_down", "button down"),
  input(buttons.select, "button_select", "button select"),
  input(buttons.stop, "button_stop", "button stop"),
  { ...output(converter.clkin, "converter_clkin", "converter CLKIN"), function: "CLOCK GPOUT0" },
  input(board.alert_pin, "alert", "alert, wired-or of the monitors"),
  output(chain.data_pin, "chain_data", "74HC595 chain, serial data"),
  output(chain.clock_pin, "chain_clock", "74HC595 chain, shift clock"),
  output(chain.latch_pin, "chain_latch", "74HC595 chain, latch clock; feeds the gate"),
];

/** All 26 pins, markers first. */
export const monitoringAllPins: PinUse[] = [
  ...board.channels.map(({ number, marker_pin }) =>
    input(marker_pin, `marker_${number}`, `marker of channel ${number}`),
  ),
  ...monitoringPins,
];
