import { expect, test } from "vitest";
import type { BayBoard } from "./bay.ts";
import { simulatedAt } from "./simulated.ts";

const rack = (link: unknown) => ({ board: { name: "b", kind: "monitoring", link, seed: 1 } as BayBoard });

test.each([
  ["a simulated board", "simulated", undefined, ["rail", "board", "marker"]],
  ["a simulated board that has said its serial number", "simulated", "B-17", ["rail", "board", "marker"]],
  ["a simulated board behind a port", { serial: "./board0" }, "SIM-0001", ["rail", "board", "marker"]],
  ["a board", { serial: "./board0" }, "B-17", []],
  ["a board that has not said its serial number", { serial: "./board0" }, undefined, []],
])("of %s these parts are simulated", (_name, link, serial, parts) => {
  expect(simulatedAt(rack(link), serial)).toEqual(parts);
});
