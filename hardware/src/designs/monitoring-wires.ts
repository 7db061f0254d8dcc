import { monitoringBoard as board } from "../boards/monitoring.ts";
import { monitoringBuses as buses } from "../boards/monitoring-buses.ts";
import { monitoringConverter } from "../boards/monitoring-converter.ts";
import type { Channel } from "../types.ts";
import { branches, monitoringSupplies, strapsOn } from "./monitoring-supplies.ts";
import type { Wire } from "./types.ts";

const once = (net: string, ends: string[], note?: string): Wire => ({
  net,
  channel: null,
  ends,
  ...(note === undefined ? {} : { note }),
});
const gp = (pin: number): string => `A1.GP${pin}`;
const each = (prefix: string, first: number, count: number, pin: string): string[] =>
  Array.from({ length: count }, (_, n) => `${prefix}${first + n}.${pin}`);
const COUNT = board.channels.length;

/** Output of the chain that a bit is: register and pin. */
const chainOutput = (bit: number): string => `U${20 + (bit >> 3)}.Q${"ABCDEFGH"[bit & 7]}`;
/** Resistor that pulls an output of the chain down. */
const pullDown = (bit: number): string => `R${33 + bit}.1`;

function shared(): Wire[] {
  const { pins } = monitoringConverter;
  const { monitor, panel } = buses;
  const { data_pin, clock_pin, latch_pin } = board.chain;
  const { up, down, select, stop } = board.buttons;
  return [
    once("MONITOR_SDA", [gp(monitor.sda), ...each("U", 1, COUNT, "SDA"), ...strapsOn("MONITOR", "SDA"), "R65.1"]),
    once("MONITOR_SCL", [gp(monitor.scl), ...each("U", 1, COUNT, "SCL"), ...strapsOn("MONITOR", "SCL"), "R66.1"]),
    once("PANEL_SDA", [gp(panel.sda), ...each("U", 30, 3, "SDA"), ...each("U", 38, 2, "SDA"), "R67.1", "J20.3"]),
    once("PANEL_SCL", [gp(panel.scl), ...each("U", 30, 3, "SCL"), ...each("U", 38, 2, "SCL"), "R68.1", "J20.4"]),
    once("CONVERTER_DOUT", [gp(pins.rx), "U17.DOUT"]),
    once("CONVERTER_CS", [gp(pins.cs), "U17.CS"]),
    once("CONVERTER_SCLK", [gp(pins.sck), "U17.SCLK"]),
    once("CONVERTER_DIN", [gp(pins.tx), "U17.DIN"]),
    once("CONVERTER_DRDY", [gp(pins.drdy), "U17.DRDY"]),
    once("CONVERTER_CLOCK", [gp(pins.clkin), "R85.1"], "5.12 MHz"),
    once("CONVERTER_CLKIN", ["R85.2", "U17.CLKIN"]),
    once("CONVERTER_CAP", ["U17.CAP", "C54.1"], "the converter's own regulator"),
    once(
      "MIDPOINT",
      ["U18.OUT", "U18.IN-", ...each("U", 9, COUNT, "REF1"), ...each("U", 9, COUNT, "REF2"), ...inputs("N")],
      "1.65 V",
    ),
    once("MIDPOINT_HALF", ["R111.2", "R112.1", "U18.IN+"], "half of 3.3 V"),
    once("CHAIN_DATA", [gp(data_pin), "U20.SER"]),
    ...[20, 21, 22].map((n) => once(`CHAIN_${n - 19}`, [`U${n}.QH'`, `U${n + 1}.SER`])),
    once("CHAIN_CLOCK", [gp(clock_pin), ...each("U", 20, 4, "SRCLK")]),
    once("CHAIN_LATCH", [gp(latch_pin), ...each("U", 20, 4, "RCLK"), "U33.1B"], "every edge keeps the gate open"),
    once("CHAIN_CLEAR", [...each("U", 20, 4, "SRCLR"), "R83.1"]),
    once("OUTPUT_ENABLE", ["U33.1Q'", ...each("U", 20, 4, "OE"), "R82.1"], "low enables"),
    once("GATE_TIME", ["U33.1REXT/CEXT", "R86.1", "C9.1"]),
    once("GATE_TIME_C", ["U33.1CEXT", "C9.2"]),
    once("GATE_RESET", ["U34.RESET", "U33.1RD"], "low below 2.93 V"),
    once("ALERT", [gp(board.alert_pin), ...each("D", 1, COUNT, "A"), "R77.1"], "wired-or through the diodes"),
    once("BUTTON_UP", [gp(up), "S1.1", "R78.1"]),
    once("BUTTON_DOWN", [gp(down), "S2.1", "R79.1"]),
    once("BUTTON_SELECT", [gp(select), "S3.1", "R80.1"]),
    once("BUTTON_STOP", [gp(stop), "S4.1", "R81.1"]),
    once("EEPROM_PROTECT", ["U31.WP", "R84.1"], "high: nothing writes it; take R84 out to use it"),
    once("LCD_RS", ["U32.P0", "DS1.RS"]),
    once("LCD_RW", ["U32.P1", "DS1.R/W"]),
    once("LCD_E", ["U32.P2", "DS1.E"]),
    once("LCD_LIGHT", ["U32.P3", "Q49.G"]),
    once("LCD_LIGHT_A", ["R113.2", "DS1.A"]),
    once("LCD_LIGHT_K", ["Q49.D", "DS1.K"]),
    once("LCD_CONTRAST", ["RV1.2", "DS1.V0"], "trimmer from 3.3 V to ground: dark pixels at the lower end"),
    ...[4, 5, 6, 7].map((bit) => once(`LCD_D${bit}`, [`U32.P${bit}`, `DS1.DB${bit}`])),
    once("FEED_5V", ["PS1.+V", "J21.1", "R120.1"]),
    once("FEED_12V", ["PS2.+V", "J22.1", "F10.1", "F14.1", "F12.1"]),
    once(
      "MEASURED_5V",
      ["R120.2", "F9.1", "F13.1", "F11.1", "U38.VBUS"],
      "the shunt sees the channels and the board itself",
    ),
    once("RACK_SENSE+", ["R120.S1", "U38.IN+"], "from the inner pads of the shunt"),
    once("RACK_SENSE-", ["R120.S2", "U38.IN-"], "from the inner pads of the shunt"),
    ...branches.flatMap((channels, n) => [
      once(
        `RAIL_5V_${n + 1}`,
        [`F${[9, 13][n]}.2`, ...channels.map((channel) => `F${channel}.1A`), `C${50 + n}.+`],
        "a channel's fuse in place A",
      ),
      once(
        `RAIL_12V_${n + 1}`,
        [`F${[10, 14][n]}.2`, ...channels.map((channel) => `F${channel}.1B`), `C${52 + n}.+`],
        "a channel's fuse in place B",
      ),
    ]),
    once("OWN_5V", ["F11.2", "D17.A"], "the board's own draw, which the fuses of the channels do not carry"),
    once("OWN_12V", ["F12.2", "U35.VIN"], "the same from the 12 V feed"),
    once("RAIL_12V_DOWN", ["U35.VOUT", "D18.A"], "5 V for the controller where only the 12 V class is fed"),
    once("VSYS", ["D17.K", "D18.K", "A1.VSYS"], "the board lives without its host"),
  ];
}

function inputs(side: "P" | "N"): string[] {
  return Array.from({ length: COUNT }, (_, n) => `U17.AIN${n}${side}`);
}

function ofChannel(channel: Channel): Wire[] {
  const n = channel.number;
  const half = n % 2 === 1 ? 1 : 2;
  const latch = `U${24 + ((n - 1) >> 1)}`;
  const and = `U${28 + ((n - 1) >> 2)}`;
  const port = ((n - 1) & 3) + 1;
  const net = (name: string, ends: string[], note?: string): Wire => ({
    net: `${name}_${n}`,
    channel: n,
    ends,
    ...(note === undefined ? {} : { note }),
  });
  return [
    net("SUPPLY", [`F${n}.2`, `Q${2 * n - 1}.D`]),
    net("SOURCES", [`Q${2 * n - 1}.S`, `Q${2 * n}.S`, `R${86 + n}.1`]),
    net("GATE", [`Q${2 * n - 1}.G`, `Q${2 * n}.G`, `R${24 + n}.1`, `C${n}.1`, `D${18 + n}.K`]),
    net("GATE_DRIVE", [`R${24 + n}.2`, `R${86 + n}.2`, `D${18 + n}.A`, `Q${16 + n}.D`], "low closes the switch"),
    net("SHUNT_IN", [`Q${2 * n}.D`, `R${n}.1`, `C${n}.2`]),
    net("SENSE+", [`R${n}.S1`, `U${n}.IN+`, `U${8 + n}.IN+`], "from the inner pads of the shunt"),
    net("SENSE-", [`R${n}.S2`, `U${n}.IN-`, `U${8 + n}.IN-`], "from the inner pads of the shunt"),
    net("RAIL", [`R${n}.2`, `U${n}.VBUS`, `J${n}.1`, `D${8 + n}.K`, `R${7 + 2 * n}.1`, `R${8 + 2 * n}.1`]),
    net("DISCHARGE_R", [`R${7 + 2 * n}.2`, `R${8 + 2 * n}.2`, `Q${24 + n}.D`]),
    net("FAST", [`U${8 + n}.OUT`, `U17.AIN${n - 1}P`]),
    net("ALERT", [`U${n}.ALERT`, `D${n}.K`, `R${68 + n}.1`, `${latch}.${half}CLR`], "low opens the switch"),
    net("SWITCH", [
      chainOutput(channel.switch_bit),
      pullDown(channel.switch_bit),
      `${latch}.${half}PRE`,
      `${and}.${port}A`,
    ]),
    net("ARMED", [`${latch}.${half}Q`, `${and}.${port}B`]),
    net("CLOSE", [`${and}.${port}Y`, `Q${16 + n}.G`, `U39.P${n - 1}`], "read back behind chain and latch"),
    net("DISCHARGE", [chainOutput(channel.discharge_bit), pullDown(channel.discharge_bit), `Q${24 + n}.G`]),
    net("RESET", [chainOutput(channel.reset_bit), pullDown(channel.reset_bit), `Q${32 + n}.G`]),
    net("STRAP", [chainOutput(channel.strap_bit), pullDown(channel.strap_bit), `Q${40 + n}.G`]),
    net("RESET_OUT", [`Q${32 + n}.D`, `J${8 + n}.2`], "open drain"),
    net("STRAP_OUT", [`Q${40 + n}.D`, `J${8 + n}.3`], "open drain"),
    net("MARKER_IN", [`J${8 + n}.4`, `R${102 + n}.1`]),
    net("MARKER", [`R${102 + n}.2`, `R${94 + n}.1`, gp(channel.marker_pin)]),
  ];
}

/** Every net of the monitoring board. */
export const monitoringWires: Wire[] = [...shared(), ...monitoringSupplies, ...board.channels.flatMap(ofChannel)];
