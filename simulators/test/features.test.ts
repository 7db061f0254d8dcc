import { existsSync, readFileSync } from "node:fs";
import { allMessages } from "@mltb/protocol";
import { expect, test } from "vitest";
import { scenarios } from "./scenarios/index.ts";

const root = new URL("../../", import.meta.url);

/** Cells of the rows of features in docs/firmware.md. */
function rows(): string[][] {
  const page = readFileSync(new URL("docs/firmware.md", root), "utf8");
  const part = /<!-- features -->([\s\S]*?)<!-- end features -->/.exec(page)?.[1] ?? "";
  return part
    .trim()
    .split("\n")
    .slice(2)
    .map((row) => row.split(" | ").map((cell) => cell.replace(/^\| | \|$/g, "")));
}

const quoted = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, word]) => word as string);
const begins = (cell = ""): string[] => cell.split("; ");

test("docs/firmware.md: each feature names messages of the wire, files of the firmware, and scenarios that exist", () => {
  expect(rows().length).toBeGreaterThan(25);
  const messages = new Set<string>(allMessages().map(({ name }) => name));
  for (const [feature = "", message = "", service = "", named = ""] of rows()) {
    for (const name of quoted(message)) expect(messages.has(name), `${feature}: message ${name}`).toBe(true);
    for (const file of quoted(service))
      expect(existsSync(new URL(`firmware/services/${file}`, root)), `${feature}: ${file}`).toBe(true);
    for (const begin of begins(named)) {
      expect(begin, feature).not.toBe("");
      expect(scenarios.filter(({ name }) => name.startsWith(begin)).length, `${feature}: ${begin}`).toBeGreaterThan(0);
    }
  }
});

/** `describe` has no scenario: what it answers is compared with the host's own table (`lua-board.test.ts`). */
const ELSEWHERE = ["describe"];

test("docs/firmware.md: each request of the protocol stands in the row of a feature", () => {
  const named = new Set(rows().flatMap(([, message = ""]) => quoted(message)));
  const requests = allMessages().filter(({ kind }) => kind === "request");
  expect(requests.length).toBeGreaterThan(30);
  const missing = requests.map(({ name }) => name).filter((name) => !named.has(name) && !ELSEWHERE.includes(name));
  expect(missing).toEqual([]);
});

test("docs/firmware.md: each scenario stands in the row of a feature", () => {
  const named = rows().flatMap(([, , , cell]) => begins(cell));
  const missing = scenarios.filter(({ name }) => !named.some((begin) => name.startsWith(begin)));
  expect(missing.map(({ name }) => name)).toEqual([]);
});
