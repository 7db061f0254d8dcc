import { FindingCode } from "../src/checks/finding.ts";
import { managedUsbDesign } from "../src/designs/managed-usb.ts";
import type { BoardDesign } from "../src/designs/types.ts";
import { type Broken, buys } from "./breaking.ts";

function own(design: BoardDesign, change: Partial<BoardDesign["feeds"][0]["own"]>): void {
  const feed = design.feeds[0] as BoardDesign["feeds"][0];
  design.feeds[0] = { ...feed, own: { ...feed.own, ...change } };
}

const first = managedUsbDesign.regulators[0] as BoardDesign["regulators"][0];
const { choke } = first;

/** The monitoring board has no converter: it gets the first one of the other board. */
function regulator(design: BoardDesign, change: Partial<typeof first>): void {
  design.regulators = [{ ...first, ...change }];
  buys(design, first.part, choke.part);
}

/** Clashes of feeds, converters and crystals. */
export const supplyBreaks: Broken[] = [
  [
    "feed below the sum of its channels and the board",
    FindingCode.feedRating,
    "J21, rack supply of the 5 V class",
    ["8 channels and the board draw 22.6 A", "connector XT60PW-M and RSP-150-5 together carry 20 A"],
    (design) => {
      const feed = design.feeds[0] as BoardDesign["feeds"][0];
      design.feeds[0] = { ...feed, supply: { ...feed.supply, rated_a: 20 } };
    },
  ],
  [
    "board that draws through the fuse of its channels",
    FindingCode.feedRating,
    "J21, rack supply of the 5 V class",
    [
      "4 channels and the board draw 14.2 A through fuse 0287020.PXCN, which carries 13.7 A for ever in air of 45 C",
      "give the board its own",
    ],
    (design) => own(design, { ampere: 3, fuse: null }),
  ],
  [
    "fuse of four channels below their sum",
    FindingCode.feedRating,
    "J21, rack supply of the 5 V class",
    ["4 channels draw 11.2 A through fuse 0287020.PXCN, which carries 10.9 A for ever in air of 45 C"],
    (design) => {
      const feed = design.feeds[0] as BoardDesign["feeds"][0];
      design.feeds[0] = { ...feed, fuse: { ...feed.fuse, rated_a: 16 } };
    },
  ],
  [
    "fuse of 30 A that carries eight channels in a cool room alone",
    FindingCode.feedRating,
    "J21, rack supply of the 5 V class",
    ["8 channels draw 22.4 A through fuse 0287020.PXCN, which carries 20.5 A for ever in air of 45 C"],
    (design) => {
      const feed = design.feeds[0] as BoardDesign["feeds"][0];
      design.feeds[0] = { ...feed, fuse: { ...feed.fuse, rated_a: 30 }, branches: [feed.branches.flat()] };
    },
  ],
  [
    "channel behind no fuse of its feed",
    FindingCode.feedMissing,
    "J21, rack supply of the 5 V class",
    ["channel 8 stands behind 0 of its fuses", "behind one fuse"],
    (design) => {
      const feed = design.feeds[0] as BoardDesign["feeds"][0];
      design.feeds[0] = { ...feed, branches: feed.branches.map((channels) => channels.filter((n) => n !== 8)) };
    },
  ],
  [
    "board that draws more than its own fuse carries",
    FindingCode.feedRating,
    "J21, rack supply of the 5 V class",
    ["the board itself draws 0.9 A through fuse 0452001.MRL, which carries 0.683 A for ever in air of 45 C"],
    (design) => own(design, { ampere: 0.9 }),
  ],
  [
    "supply that nobody buys",
    FindingCode.designatorUnknown,
    "Mean Well LRS-350-12",
    ["feed J22, rack supply of the 12 V class comes from it", "in no line of the bill of materials"],
    (design) => {
      design.bom = design.bom.filter(({ designators }) => designators !== "PS2");
      for (const wire of design.wires) wire.ends = wire.ends.filter((end) => !end.startsWith("PS2."));
    },
  ],
  [
    "feed of a higher voltage than its parts",
    FindingCode.feedRating,
    "J22, rack supply of the 12 V class",
    ["brings up to 12 V, connector XT60PW-M bears 500 V and fuse 0287020.PXCN breaks 10 V"],
    (design) => {
      const feed = design.feeds[1] as BoardDesign["feeds"][0];
      design.feeds[1] = { ...feed, fuse: { ...feed.fuse, max_v: 10 } };
    },
  ],
  [
    "feed whose fuse is stronger than its connector",
    FindingCode.fuseAbove,
    "J21, rack supply of the 5 V class",
    ["2 x fuse 0287020.PXCN let 40 A through, connector XT60PW-M before them bears 30 A"],
    (design) => {
      const feed = design.feeds[0] as BoardDesign["feeds"][0];
      design.feeds[0] = { ...feed, fuse: { ...feed.fuse, rated_a: 40 } };
    },
  ],
  [
    "fuses that together let more through than their connector bears, from a supply that gives it",
    FindingCode.fuseAbove,
    "J21, rack supply of the 5 V class",
    ["2 x fuse 0287020.PXCN let 35 A through, connector XT60PW-M before them bears 30 A"],
    (design) => {
      const feed = design.feeds[0] as BoardDesign["feeds"][0];
      design.feeds[0] = { ...feed, supply: { ...feed.supply, rated_a: 35 } };
    },
  ],
  [
    "class of targets that nothing feeds",
    FindingCode.feedMissing,
    "class of 5 V",
    ["no feed has this voltage", "add a feed"],
    (design) => {
      design.feeds = design.feeds.slice(1);
    },
  ],
  [
    "divider that gives another voltage",
    FindingCode.regulatorVoltage,
    "U18 TLV62569DBVR",
    ["100000 and 56000 Ohm give 1.62 to 1.73 V, 1.2 V within 5 % is wanted", "fit 56 kOhm above"],
    (design) => regulator(design, { lower_ohm: 56_000 }),
  ],
  [
    "choke that saturates",
    FindingCode.regulatorCurrent,
    "U18 TLV62569DBVR",
    ["choke XFL4020-222MEC sees 0.973 A, it and the converter bear 0.9 A"],
    (design) => regulator(design, { choke: { ...choke, saturation_a: 0.9 } }),
  ],
  [
    "output capacitors that are too small under voltage",
    FindingCode.regulatorOutput,
    "U18 TLV62569DBVR",
    ["10 uF keep 5 uF under voltage, it is stable with 10 to 47 uF"],
    (design) => regulator(design, { output_uf: 10 }),
  ],
  [
    "crystal with another load",
    FindingCode.crystalLoad,
    "Y1 ABM8-25.000MHZ-B2-T",
    ["10 pF on each side and 9 pF of pin and trace load it with 9.5 pF, it is cut for 18 pF", "fit 27 pF"],
    (design) => {
      const crystal = managedUsbDesign.crystals[0] as BoardDesign["crystals"][0];
      design.crystals = [{ ...crystal, capacitor_pf: 10 }];
      buys(design, crystal.part);
    },
  ],
];
