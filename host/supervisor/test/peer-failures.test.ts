import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const root = new URL("../../../", import.meta.url);

/** Titles of the tests of a file; of one with numbers in it, what stands before the first. */
function titlesOf(file: string): string[] {
  const source = readFileSync(new URL(file, root), "utf8");
  const title = /^\s*(?:test|it)(?:\.\w+(?:\([^)]*\))?)*\(\s*(["`])((?:\\.|(?!\1).)*)\1/gm;
  return [...source.matchAll(title)].map(([, , text = ""]) => (text.split("${")[0] ?? "").trimEnd());
}

const page = readFileSync(new URL("docs/peer-failures.md", root), "utf8");
const table = /<!-- failures -->([\s\S]*?)<!-- end failures -->/.exec(page)?.[1] ?? "";
const rows = table
  .trim()
  .split("\n")
  .slice(2)
  .map((row) => row.replace(/^\| | \|$/g, "").split(" | "));

test("docs/peer-failures.md: every title of its table is that of a test in the file beside it", () => {
  expect(rows.length).toBeGreaterThan(60);
  for (const row of rows) {
    expect(row, row.join(" | ")).toHaveLength(5);
    const [, , , file = "", title = ""] = row;
    const path = file.replaceAll("`", "");
    expect(path).toMatch(/\.test\.ts$/);
    expect(titlesOf(path), `${path}: ${title}`).toContain(title);
  }
});

test("docs/peer-failures.md: every test that is named after a peer's failure is in the table", () => {
  const folder = "host/supervisor/test/";
  const named = readdirSync(new URL(folder, root)).filter((file) => /^peer-.*\.test\.ts$/.test(file));
  const listed = new Set(rows.map(([, , , , title]) => title));
  const others = named
    .filter((file) => file !== "peer-failures.test.ts")
    .flatMap((file) => titlesOf(`${folder}${file}`).map((title) => ({ file, title })));
  expect(others.length).toBeGreaterThan(40);
  expect(others.filter(({ title }) => !listed.has(title))).toEqual([]);
});
