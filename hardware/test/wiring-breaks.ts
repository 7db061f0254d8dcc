import { FindingCode } from "../src/checks/finding.ts";
import type { BusDesign } from "../src/designs/types.ts";
import { type Broken, bus, fuse, path, usePin } from "./breaking.ts";

/** Clashes of pins, parts lists and nets. */
export const wiringBreaks: Broken[] = [
  [
    "pin used twice",
    FindingCode.pinTwice,
    "GP17",
    ["button_up and marker_8", "free pin"],
    usePin("marker_8", { pin: 17 }),
  ],
  [
    "pin without a pad",
    FindingCode.pinMissing,
    "GP25",
    ["marker_8", "the module's LED"],
    usePin("marker_8", { pin: 25 }),
  ],
  [
    "pin that cannot do its function",
    FindingCode.pinFunction,
    "GP12",
    ["converter_rx needs SPI0 RX", "GP0 or GP4 or GP16 or GP20"],
    usePin("converter_rx", { function: "SPI0 RX" }),
  ],
  [
    "two pins of one name",
    FindingCode.nameTwice,
    "alert",
    ["GP19 and GP22"],
    usePin("button_select", { name: "alert" }),
  ],
  [
    "bit of the chain used twice",
    FindingCode.bitTwice,
    "bit 3 of the chain",
    ["strap_8 and switch_4", "free bit"],
    (design) => {
      const line = design.outputs.find(({ name }) => name === "strap_8");
      if (line !== undefined) line.driver = { bit: 3 };
    },
  ],
  [
    "bit of the chain without a line",
    FindingCode.bitMissing,
    "bit 12 of the chain",
    ["no line uses it"],
    (design) => {
      design.outputs = design.outputs.filter(({ name }) => name !== "discharge_5");
    },
  ],
  [
    "chain that is shorter than its lines",
    FindingCode.bitMissing,
    "output chain",
    ["strap_8 uses bit 31, the firmware shifts 24"],
    (design) => {
      design.chain_bits = 24;
    },
  ],
  [
    "wire to a part that nobody buys",
    FindingCode.designatorUnknown,
    "Q99",
    ["net CLOSE_3 ends at Q99.G"],
    (design) => {
      const wire = design.wires.find(({ net }) => net === "CLOSE_3");
      wire?.ends.push("Q99.G");
    },
  ],
  [
    "part on a bus that another line of the bill has",
    FindingCode.designatorUnknown,
    "U30",
    ["is TMP75 on its bus and TMP105YZCT in the bill of materials"],
    (design) => {
      const device = bus(design, "I2C1").devices[0] as BusDesign["devices"][0];
      device.part = { ...device.part, part: "TMP75" };
    },
  ],
  [
    "part that is judged and another that is bought",
    FindingCode.designatorUnknown,
    "0452004.MRL",
    ["judged as a part of channels or feeds"],
    (design) => {
      path(design, 4).fuse = { ...fuse(design, 4), part: "0452004.MRL" };
    },
  ],
  [
    "designator of two parts",
    FindingCode.designatorTwice,
    "U31",
    ["stands for AT24C32E-SSHM-T and for PCF8574T/3,518"],
    (design) => {
      design.bom = design.bom.map((line) =>
        line.designators === "U32" ? { ...line, designators: "U31-U32", quantity: 2 } : line,
      );
    },
  ],
  [
    "quantity that is not the places",
    FindingCode.quantity,
    "INA226AIDGSR",
    ["U1-U8 are 8 places, 7 parts are bought"],
    (design) => {
      design.bom = design.bom.map((line) => (line.designators === "U1-U8" ? { ...line, quantity: 7 } : line));
    },
  ],
  [
    "pin on two nets",
    FindingCode.wireTwice,
    "U20.QA",
    ["is on net SWITCH_1 and on net SWITCH_2"],
    (design) => {
      const wire = design.wires.find(({ net }) => net === "SWITCH_2");
      wire?.ends.push("U20.QA");
    },
  ],
  [
    "part whose pins no list says",
    FindingCode.pinsUnlisted,
    "74HC123PW,118",
    ["no list says which pins it has", "part-pins.ts"],
    (design) => {
      design.bom = design.bom.map((line) => (line.designators === "U33" ? { ...line, part: "74HC123PW,118" } : line));
    },
  ],
  [
    "part with a pin on no net",
    FindingCode.pinOpen,
    "DS1",
    ["NHD-0420H1Z-FSW-GBW-33V3 has V0 on no net", "open pins"],
    (design) => {
      const wire = design.wires.find(({ net }) => net === "LCD_CONTRAST");
      if (wire !== undefined) wire.ends = ["RV1.2", "RV1.1"];
      const supply = design.wires.find(({ net }) => net === "3V3");
      if (supply !== undefined) supply.ends = supply.ends.filter((end) => end !== "RV1.1");
    },
  ],
  [
    "part that is bought and wired to nothing",
    FindingCode.pinOpen,
    "L9",
    ["XFL4020-222MEC has 1, 2 on no net"],
    (design) => {
      const what = { quantity: 1, maker: "Coilcraft", what: "choke", ratings: "" };
      design.bom.push({ ...what, designators: "L9", part: "XFL4020-222MEC" });
    },
  ],
  [
    "wire to a pin that the part lacks",
    FindingCode.pinUnknown,
    "U17.CLKOUT",
    ["ADS131M08IPBSR has no such pin", "CLKIN"],
    (design) => {
      design.wires.find(({ net }) => net === "CONVERTER_CLKIN")?.ends.push("U17.CLKOUT");
    },
  ],
  [
    "net with one end",
    FindingCode.wireSingle,
    "net CONVERTER_CAP",
    ["goes from U17.CAP to nothing"],
    (design) => {
      const wire = design.wires.find(({ net }) => net === "CONVERTER_CAP");
      if (wire !== undefined) wire.ends = ["U17.CAP"];
      design.wires.find(({ net }) => net === "3V3")?.ends.push("C54.1");
    },
  ],
  [
    "pin in use that no wire reaches",
    FindingCode.pinUnwired,
    "GP18",
    ["button_down is on no net", "add A1.GP18 to a wire"],
    (design) => {
      const wire = design.wires.find(({ net }) => net === "BUTTON_DOWN");
      if (wire !== undefined) wire.ends = wire.ends.filter((end) => end !== "A1.GP18");
    },
  ],
  [
    "wire to a pin that is not in use",
    FindingCode.pinUnwired,
    "GP23",
    ["net BUTTON_UP ends at it", "not in the list of pins"],
    (design) => {
      const wire = design.wires.find(({ net }) => net === "BUTTON_UP");
      wire?.ends.push("A1.GP23");
    },
  ],
];
