import { partPins } from "../src/catalogue/part-pins.ts";
import type { FindingCode } from "../src/checks/finding.ts";
import type { BoardDesign, BusDesign, OutputGate, PowerPath, Timing } from "../src/designs/types.ts";

/** A change that breaks a copy of a board. */
type Break = (design: BoardDesign) => void;
/** What is broken, the code that it must give, its subject, words of the message and its mend, and the change. */
export type Broken = [title: string, code: FindingCode, subject: string, words: string[], change: Break];

export const path = (design: BoardDesign, channel: number): PowerPath =>
  design.paths.find((entry) => entry.channel === channel) as PowerPath;
export const bus = (design: BoardDesign, name: string): BusDesign =>
  design.buses.find((entry) => entry.name === name) as BusDesign;
export const timing = (design: BoardDesign): Timing => design.timing as Timing;
export const gate = (design: BoardDesign): OutputGate => design.gate as OutputGate;
export const fuse = (design: BoardDesign, channel: number) =>
  path(design, channel).fuse as NonNullable<PowerPath["fuse"]>;

/** One channel alone gets other limits: channels share the board's. */
export function limits(design: BoardDesign, channel: number, change: Partial<PowerPath["limits"]>): void {
  const at = path(design, channel);
  at.limits = { ...at.limits, ...change };
}

export const usePin: (name: string, change: Partial<BoardDesign["pins"][0]>) => Break = (name, change) => (design) => {
  design.pins = design.pins.map((use) => (use.name === name ? { ...use, ...change } : use));
};

/** A part of another board as one that this board buys and leaves unwired. */
export function buys(design: BoardDesign, ...parts: string[]): void {
  const what = { quantity: 1, maker: "", what: "", ratings: "" };
  for (const [n, part] of parts.entries())
    design.bom.push({ ...what, part, designators: `X${n + 1}`, open: partPins[part] ?? [] });
}

/** A part stays in the bill of materials and comes off its nets. */
export function takeOut(design: BoardDesign, designator: string): void {
  const open: string[] = [];
  for (const wire of design.wires) {
    open.push(...wire.ends.filter((end) => end.startsWith(`${designator}.`)));
    wire.ends = wire.ends.filter((end) => !end.startsWith(`${designator}.`));
  }
  design.bom = design.bom.map((line, n) => (n === 0 ? { ...line, open: [...(line.open ?? []), ...open] } : line));
}
