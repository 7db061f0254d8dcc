import { managedUsbBoard as board, type UsbPort } from "../boards/managed-usb.ts";
import { managedUsbSupplies } from "./managed-usb-supplies.ts";
import type { Wire } from "./types.ts";

const gp = (pin: number): string => `A1.GP${pin}`;
const once = (net: string, ends: string[], note?: string): Wire => ({
  net,
  channel: null,
  ends,
  ...(note === undefined ? {} : { note }),
});

function ofPort(port: UsbPort): Wire[] {
  const n = port.number;
  const net = (name: string, ends: string[], note?: string): Wire => ({
    net: `${name}_${n}`,
    channel: n,
    ends,
    ...(note === undefined ? {} : { note }),
  });
  const monitor = `U14.SENSE${port.monitor_channel}`;
  return [
    net("VBUS_ENABLE", [gp(port.vbus_pin), `U${1 + n}.EN`, `R${8 + n}.1`]),
    net("FAULT", [gp(port.fault_pin), `U${1 + n}.FAULT`, `R${12 + n}.1`], "open drain"),
    net("LIMIT", [`U${1 + n}.ILIM`, `R${4 + n}.1`], "20 kOhm: 1.19 to 1.39 A"),
    net("SWITCHED", [`U${1 + n}.OUT`, `R${n}.1`]),
    net("SENSE+", [`R${n}.S1`, `${monitor}+`], "from the inner pads of the shunt"),
    net("SENSE-", [`R${n}.S2`, `${monitor}-`], "from the inner pads of the shunt"),
    net("VBUS", [`R${n}.2`, `J${n}.VBUS`, `C${n}.+`]),
    net("USB2_OFF", [gp(port.usb2_pin), `U${5 + n}.OE`, `R${16 + n}.1`]),
    net("SUPER_SPEED_OFF", [gp(port.super_speed_pin), `U${9 + n}.OEn`, `R${20 + n}.1`]),
    net("D+", [`U1.USB2DN_DP${n}`, `U${5 + n}.HSD1+`]),
    net("D-", [`U1.USB2DN_DM${n}`, `U${5 + n}.HSD1-`]),
    net("PORT_D+", [`U${5 + n}.D+`, `D${4 + n}.D+`, `J${n}.D+`]),
    net("PORT_D-", [`U${5 + n}.D-`, `D${4 + n}.D-`, `J${n}.D-`]),
    ...(["+", "-"] as const).flatMap((sign) => superSpeed(n, sign, net)),
  ];
}

/** One side of a port's SuperSpeed pairs: to the device through a capacitor, from the device, which has its own. */
function superSpeed(n: number, sign: "+" | "-", net: (name: string, ends: string[], note?: string) => Wire): Wire[] {
  const [hub, chip] = sign === "+" ? ["DP", "p"] : ["DM", "n"];
  const capacitor = `C${43 + 2 * n + (sign === "+" ? 0 : 1)}`;
  return [
    net(`TX${sign}`, [`U1.USB3DN_TX${hub}${n}`, `U${9 + n}.B0${chip}`], "SuperSpeed to the device"),
    net(`RX${sign}`, [`U1.USB3DN_RX${hub}${n}`, `U${9 + n}.B1${chip}`], "SuperSpeed from the device"),
    net(`SWITCHED_TX${sign}`, [`U${9 + n}.A0${chip}`, `${capacitor}.1`]),
    net(`PORT_TX${sign}`, [`${capacitor}.2`, `D${n}.D1${sign}`, `J${n}.SSTX${sign}`]),
    net(`PORT_RX${sign}`, [`U${9 + n}.A1${chip}`, `D${n}.D2${sign}`, `J${n}.SSRX${sign}`]),
  ];
}

/** Every net of the managed USB board. */
export const managedUsbWires: Wire[] = [
  once("BUS_SDA", [gp(board.bus.sda), "U1.SMDAT", "U14.SDA", "U15.SDA", "U16.SDA", "U17.SDA", "R29.1"]),
  once("BUS_SCL", [gp(board.bus.scl), "U1.SMCLK", "U14.SCL", "U15.SCL", "U16.SCL", "U17.SCL", "R30.1"]),
  once("HUB_RESET", [gp(board.hub.reset_pin), "U1.RESET_N", "R27.1"]),
  once("HUB_ATTACH", [gp(board.hub.attach_pin), "U1.VBUS_DET", "R28.1"], "high shows the hub to the host"),
  once("ALERT", [gp(board.monitors.alert_pin), "U14.GPIO/ALERT2", "U15.GPIO/ALERT2", "R25.1"], "open drain"),
  once("LOCATE_LIGHT", [gp(board.locate.light_pin), "R34.1"]),
  once("LOCATE_LIGHT_A", ["R34.2", "LD1.A"]),
  once("LOCATE_BUTTON", [gp(board.locate.button_pin), "S1.1", "R26.1"]),
  once("HOST_VBUS", ["J5.VBUS", "R31.1"], "sensed only: the board has a supply of its own"),
  once("HOST_POWER", [gp(board.host_power_pin), "R31.2", "R32.1"], "half of the host's VBUS"),
  once("HOST_D+", ["J5.D+", "U1.USB2UP_DP"]),
  once("HOST_D-", ["J5.D-", "U1.USB2UP_DM"]),
  once("HOST_TX+", ["U1.USB3UP_TXDP", "C53.1"], "SuperSpeed to the host"),
  once("HOST_TX-", ["U1.USB3UP_TXDM", "C54.1"]),
  once("HOST_PORT_TX+", ["C53.2", "J5.SSTX+"]),
  once("HOST_PORT_TX-", ["C54.2", "J5.SSTX-"]),
  once("HOST_RX+", ["J5.SSRX+", "U1.USB3UP_RXDP"], "SuperSpeed from the host, which has its own capacitors"),
  once("HOST_RX-", ["J5.SSRX-", "U1.USB3UP_RXDM"]),
  ...managedUsbSupplies,
  ...board.ports.flatMap(ofPort),
];
