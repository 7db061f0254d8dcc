import { existsSync, readFileSync } from "node:fs";
import { allMessages } from "@mltb/protocol";
import { expect, test } from "vitest";
import { scenarios } from "./scenarios/index.ts";

const root = new URL("../../", import.meta.url);

test("docs/firmware.md: each feature names messages of the wire, files of the firmware, and scenarios that exist", () => {
  const page = readFileSync(new URL("docs/firmware.md", root), "utf8");
  const part = /<!-- features -->([\s\S]*?)<!-- end features -->/.exec(page)?.[1] ?? "";
  const rows = part
    .trim()
    .split("\n")
    .slice(2)
    .map((row) => row.split(" | ").map((cell) => cell.replace(/^\| | \|$/g, "")));
  expect(rows.length).toBeGreaterThan(25);
  const messages = new Set<string>(allMessages().map(({ name }) => name));
  const quoted = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, word]) => word as string);
  for (const [feature = "", message = "", service = "", named = ""] of rows) {
    for (const name of quoted(message)) expect(messages.has(name), `${feature}: message ${name}`).toBe(true);
    for (const file of quoted(service))
      expect(existsSync(new URL(`firmware/services/${file}`, root)), `${feature}: ${file}`).toBe(true);
    for (const begin of named.split("; "))
      expect(scenarios.filter(({ name }) => name.startsWith(begin)).length, `${feature}: ${begin}`).toBeGreaterThan(0);
  }
});
