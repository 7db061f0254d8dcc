import { managedUsbBoard as board, type UsbPort } from "../boards/managed-usb.ts";
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
    net("LIMIT", [`U${1 + n}.ILIM`, `R${4 + n}.1`], "20 kOhm: 1.20 to 1.38 A"),
    net("SWITCHED", [`U${1 + n}.OUT`, `R${n}.1`, `${monitor}+`]),
    net("VBUS", [`R${n}.2`, `${monitor}-`, `J${n}.VBUS`, `C${n}.+`]),
    net("USB2_OFF", [gp(port.usb2_pin), `U${5 + n}.OE`, `R${16 + n}.1`]),
    net("SUPER_SPEED_OFF", [gp(port.super_speed_pin), `U${9 + n}.OEn`, `R${20 + n}.1`]),
    net("D+", [`U1.USB2DN_DP${n}`, `U${5 + n}.HSD1+`]),
    net("D-", [`U1.USB2DN_DM${n}`, `U${5 + n}.HSD1-`]),
    net("PORT_D+", [`U${5 + n}.D+`, `D${4 + n}.1`, `J${n}.D+`]),
    net("PORT_D-", [`U${5 + n}.D-`, `D${4 + n}.2`, `J${n}.D-`]),
    net("TX+", [`U1.USB3DN_TXDP${n}`, `U${9 + n}.B0p`], "SuperSpeed to the device; TX- alike"),
    net("RX+", [`U1.USB3DN_RXDP${n}`, `U${9 + n}.B1p`], "SuperSpeed from the device; RX- alike"),
    net("PORT_TX+", [`U${9 + n}.A0p`, `D${n}.1`, `J${n}.SSTX+`], "behind 100 nF; TX- alike"),
    net("PORT_RX+", [`U${9 + n}.A1p`, `D${n}.3`, `J${n}.SSRX+`], "RX- alike"),
  ];
}

/** Every net of the managed USB board that is not the hub's own data sheet. */
export const managedUsbWires: Wire[] = [
  once("BUS_SDA", [gp(board.bus.sda), "U1.SMDAT", "U14.SDA", "U15.SDA", "U16.SDA", "U17.SDA", "R29.1"]),
  once("BUS_SCL", [gp(board.bus.scl), "U1.SMCLK", "U14.SCL", "U15.SCL", "U16.SCL", "U17.SCL", "R30.1"]),
  once("HUB_RESET", [gp(board.hub.reset_pin), "U1.RESET_N", "R27.1"]),
  once("HUB_ATTACH", [gp(board.hub.attach_pin), "U1.VBUS_DET", "R28.1"], "high shows the hub to the host"),
  once("ALERT", [gp(board.monitors.alert_pin), "U14.ALERT", "U15.ALERT", "R25.1"], "open drain"),
  once("LOCATE_LIGHT", [gp(board.locate.light_pin), "R34.1"]),
  once("LOCATE_LIGHT_A", ["R34.2", "LD1.A"]),
  once("LOCATE_BUTTON", [gp(board.locate.button_pin), "S1.1", "R26.1"]),
  once("HOST_VBUS", ["J5.VBUS", "R31.1"], "sensed only: the board has a supply of its own"),
  once("HOST_POWER", [gp(board.host_power_pin), "R31.2", "R32.1"], "half of the host's VBUS"),
  once("FEED", ["J6.1", "F1.1"]),
  once("RAIL", ["F1.2", "U2.IN", "U3.IN", "U4.IN", "U5.IN", "U18.VIN", "U19.VIN"], "5 V"),
  ...board.ports.flatMap(ofPort),
];
