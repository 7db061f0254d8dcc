import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openMarker } from "./marker.ts";

const folder = mkdtempSync(join(tmpdir(), "mltb-marker-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("a marker's file holds its level, is low when it is opened and when it is closed", () => {
  const file = join(folder, "brightness");
  writeFileSync(file, "1\n");
  const level = (): string => readFileSync(file, "utf8");
  const marker = openMarker(file);
  expect(level()).toBe("0\n");
  marker.set(1);
  expect(level()).toBe("1\n");
  marker.set(0);
  expect(level()).toBe("0\n");
  marker.set(1);
  marker.close();
  expect(level()).toBe("0\n");
});

test("a file that is not there is not made, and the refusal says what is wanted", () => {
  const file = join(folder, "none");
  expect(() => openMarker(file)).toThrow(/none: ENOENT/);
  expect(() => readFileSync(file)).toThrow(/ENOENT/);
});
