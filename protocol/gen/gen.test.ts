import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { fingerprintFile, protocolPage } from "./page.ts";
import { vectorFile } from "./vectors.ts";

const read = (name: string): string => readFileSync(new URL(`../${name}`, import.meta.url), "utf8");

test("protocol/README.md is what the table generates (node protocol/gen/page.ts)", () => {
  expect(read("README.md")).toBe(protocolPage());
});

test("the fingerprint is that of the table (node protocol/gen/page.ts)", () => {
  expect(read("src/messages/table-fingerprint.ts")).toBe(fingerprintFile());
});

test("the golden frames are unchanged; a change of the wire is made on purpose (node protocol/gen/vectors.ts)", () => {
  expect(read("vectors/frames.json")).toBe(vectorFile());
});
