import { describe, expect, it } from "vitest";
import { checkBay } from "../src/checks/bay.ts";
import { FindingCode } from "../src/checks/finding.ts";
import { type BayWiring, rackDesign } from "../src/designs/rack.ts";

type Targets = BayWiring["racks"][0]["targets"];

const bayOf = (targets: Targets): BayWiring => ({
  bay: "lab",
  racks: [{ rack: "rack1", board: { name: "board1", kind: "monitoring" }, targets }],
});

const target = (channel: number, load?: Targets[0]["load"]): Targets[0] => ({ target: `t${channel}`, channel, load });

describe("a bay against its racks", () => {
  it("eight targets at their rating fit", () => {
    const load = { idle_w: 10, cpu_w: 4 };
    const { findings, figures } = checkBay(bayOf([1, 2, 3, 4, 5, 6, 7, 8].map((n) => target(n, load))), rackDesign);
    expect(findings).toEqual([]);
    expect(figures.at(-1)).toMatchObject({ subject: "rack1, all targets busy", value: "22.6 A with the board" });
  });

  const breaks: [string, Targets, FindingCode, string, (string | number)[]][] = [
    [
      "channel that the board lacks",
      [target(9)],
      FindingCode.bayChannel,
      "channel 9 does not exist on board1",
      ["channel"],
    ],
    [
      "channel used twice",
      [{ ...target(3), target: "first" }, target(3)],
      FindingCode.bayChannel,
      "channel 3 (J3) is first's already",
      ["channel"],
    ],
    [
      "load above the rating",
      [target(2, { idle_w: 2, cpu_w: 13 })],
      FindingCode.bayLoad,
      "draws 3 A at 5 V, J2 carries 2.8 A",
      ["load"],
    ],
    [
      "boot above the rating",
      [target(2, { idle_w: 2, cpu_w: 1, boot_w: 20 })],
      FindingCode.bayLoad,
      "draws 4 A at 5 V",
      ["load"],
    ],
    [
      "capacitance above what inrush and discharge allow",
      [target(4, { idle_w: 1, cpu_w: 1, capacitance_uf: 4700 })],
      FindingCode.bayCapacitance,
      "has 4700 uF, inrush and discharge of J4 are built for 2200 uF",
      ["load", "capacitance_uf"],
    ],
  ];
  const values: [string, unknown, string, string[]][] = [
    ["no number", { idle_w: "much", cpu_w: 1 }, 'load.idle_w is "much", a number of W from 0 on', ["idle_w"]],
    ["a field that is missing", { idle_w: 1 }, "load.cpu_w is missing", ["cpu_w"]],
    ["below zero", { idle_w: 1, cpu_w: 1, boot_w: -2 }, "load.boot_w is -2", ["boot_w"]],
    [
      "not finite",
      { idle_w: 1, cpu_w: 1, capacitance_uf: Number.NaN },
      "load.capacitance_uf is null",
      ["capacitance_uf"],
    ],
    ["no mapping", "heavy", 'load is "heavy", idle_w and cpu_w are wanted', []],
  ];
  for (const [title, load, words, field] of values) {
    breaks.push([
      `load: ${title}`,
      [target(5, load as Targets[0]["load"])],
      FindingCode.bayValue,
      words,
      ["load", ...field],
    ]);
  }
  for (const [title, targets, code, words, path] of breaks) {
    it(title, () => {
      const { findings, paths } = checkBay(bayOf(targets), rackDesign);
      expect(findings.map((finding) => finding.code)).toEqual([code]);
      expect(findings[0]?.message).toContain(words);
      expect(paths).toEqual([["racks", 0, "targets", targets.length - 1, ...path]]);
    });
  }

  it("a board of another kind is refused, electronics not ours are not judged", () => {
    const bay = bayOf([target(12)]);
    const of = (kind: string) => ({
      ...bay,
      racks: bay.racks.map((rack) => ({ ...rack, board: { name: "b", kind } })),
    });
    const { findings, paths } = checkBay(of("managed-usb"), rackDesign);
    expect(findings.map(({ code, subject }) => [code, subject])).toEqual([[FindingCode.bayValue, "rack1"]]);
    expect(findings[0]?.message).toContain('b is a "managed-usb" board');
    expect(paths).toEqual([["racks", 0, "board", "kind"]]);
    expect(checkBay(of("foreign"), rackDesign).findings).toEqual([]);
  });

  it("a rack whose supply cannot feed all its targets", () => {
    const [feed, ...rest] = rackDesign.board.feeds;
    if (feed === undefined) throw new Error("the rack has no feed");
    const weak = {
      ...rackDesign,
      board: { ...rackDesign.board, feeds: [{ ...feed, supply: { ...feed.supply, rated_a: 4 } }, ...rest] },
    };
    const load = { idle_w: 10, cpu_w: 2 };
    const { findings } = checkBay(bayOf([target(1, load), target(2, load)]), weak);
    expect(findings.map(({ code, subject }) => [code, subject])).toEqual([[FindingCode.bayFeed, "rack1"]]);
    expect(findings[0]?.message).toContain("draw 5.4 A together");
  });
});
