import { mkdirSync, mkdtempSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { z } from "../schema.ts";
import { readDocument } from "./read.ts";
import { parseOverride, readTree } from "./tree.ts";

/** Writes files into a new folder; returns the path of the first. */
function files(all: Record<string, string>): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "mltb-tree-")));
  for (const [name, text] of Object.entries(all)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return join(folder, Object.keys(all)[0] as string);
}

test("an included list is spliced into the list around it, an included mapping stands where its tag stood", () => {
  const top = files({
    "top.yml": "list:\n- 1\n- !include parts/more.yml\n- 4\nmap: !include parts/map.yml\n",
    "parts/more.yml": "- 2\n- three: !include map.yml\n",
    "parts/map.yml": "k: v\n",
  });
  const tree = readTree(top);
  expect(tree.faults).toEqual([]);
  expect(tree.value).toEqual({ list: [1, 2, { three: { k: "v" } }, 4], map: { k: "v" } });
  expect(tree.place(["list", 2, "three", "k"])).toEqual({
    file: join(dirname(top), "parts", "map.yml"),
    line: 1,
    column: 4,
  });
  expect(tree.place(["list", 3])).toEqual({ file: top, line: 4, column: 3 });
});

test("each missing include is a fault at its tag, and what it would have brought does not count as missing", () => {
  const top = files({ "top.yml": "a: !include no-a.yml\nb:\n  - !include no-b.yml\nd: 1\n" });
  const schema = z.strictObject({ a: z.string(), b: z.array(z.string()).min(1), c: z.string() });
  const read = readDocument(top, schema);
  const faults = "faults" in read ? read.faults : [];
  expect(faults.map(({ line, column, code }) => [line, column, code])).toEqual([
    [1, 4, "file-not-found"],
    [3, 5, "file-not-found"],
    [4, 1, "unknown-key"],
  ]);
  expect(faults[0]?.message).toBe(`${join(dirname(top), "no-a.yml")} not found`);
});

test("where an include brought nothing is known, also behind a list that is spliced", () => {
  const tree = readTree(
    files({
      "top.yml": "a: !include no.yml\nlist:\n- 1\n- !include more.yml\n",
      "more.yml": "- x: 1\n- !include no.yml\n- y: !include no.yml\n",
    }),
  );
  expect(tree.value).toEqual({ a: undefined, list: [1, { x: 1 }, { y: undefined }] });
  const at: [(string | number)[], boolean][] = [
    [["a"], true],
    [["list"], true],
    [["list", 2, "y"], true],
    [["list", 1], false],
    [["list", 1, "x"], false],
    [["list", 1, 1, "y"], false],
    [[], false],
  ];
  for (const [path, gap] of at) expect([path, tree.gap(path)]).toEqual([path, gap]);
});

test("includes stay below the folder of the first file, by their real paths, and do not go round", () => {
  const outer = files({ "secret.yml": "a: 1\n" });
  const top = files({
    "top.yml": `a: !include ../x.yml\nb: !include ${outer}\nc: !include link.yml\nd: !include loop.yml\n`,
    "loop.yml": "x: !include top.yml\n",
  });
  symlinkSync(outer, join(dirname(top), "link.yml"));
  const faults = readTree(top).faults;
  expect(faults.map((fault) => fault.code)).toEqual([
    "include-outside",
    "include-outside",
    "include-outside",
    "include-cycle",
  ]);
  expect(faults[3]).toMatchObject({ line: 1, column: 4, file: join(dirname(top), "loop.yml") });
  expect(faults[3]?.message).toContain("top.yml -> loop.yml -> top.yml");
});

test("includes are those beside the file itself, also where it is reached through a link", () => {
  const top = files({
    "top.yml": "a: !include parts/a.yml\nb: !include gone/b.yml\n",
    "parts/a.yml": "x: !include ../x.yml\ny: !include y.yml\n",
    "x.yml": "1\n",
  });
  const other = files({ "parts/a.yml": "not this one\n" });
  const links = dirname(dirname(other));
  symlinkSync(top, join(links, "bench.yml"));
  symlinkSync(dirname(top), join(links, "folder"));
  const read = (file: string): [unknown, string[]] => {
    const { value, faults } = readTree(file);
    return [value, faults.map(({ code, message }) => `${code}: ${message}`)];
  };
  const gone = (folder: string): string[] => [
    `file-not-found: ${join(folder, "parts/y.yml")} not found`,
    `file-not-found: ${join(folder, "gone/b.yml")} not found`,
  ];
  const value = { a: { x: 1, y: undefined }, b: undefined };
  expect(read(join(links, "bench.yml"))).toEqual([value, gone(dirname(top))]);
  expect(read(join(links, "folder/top.yml"))).toEqual([value, gone(join(links, "folder"))]);
});

test("a name that begins with two points is not a way out", () => {
  const top = files({ "top.yml": "a: !include ..x.yml\nb: !include ..\nc: !include ...\n", "..x.yml": "1\n" });
  const { value, faults } = readTree(top);
  expect(value).toMatchObject({ a: 1 });
  expect(faults.map(({ code, line }) => [code, line])).toEqual([
    ["include-outside", 2],
    ["file-not-found", 3],
  ]);
});

test("aliases, depth and size have limits", () => {
  const laughs = ["a0: &a0 [x, x, x]"];
  for (let i = 1; i < 12; i += 1) laughs.push(`a${i}: &a${i} [*a${i - 1}, *a${i - 1}, *a${i - 1}]`);
  const code = (text: string): string | undefined => readTree(files({ "top.yml": text })).faults[0]?.code;
  expect(code(`${laughs.join("\n")}\n`)).toBe("document-limit");
  expect(code("a: &a [*a]\n")).toBe("document-limit");
  expect(code(`${"[".repeat(100)}${"]".repeat(100)}\n`)).toBe("document-limit");
  expect(code(`${"[".repeat(50_000)}${"]".repeat(50_000)}\n`)).toBe("document-limit");
  expect(code(`a: ${"[".repeat(5000)}${"]".repeat(5000)}\n`)).toBe("document-limit");
  expect(code(`a: ${"x".repeat(1 << 20)}\n`)).toBe("file-not-found");
  expect(code("__proto__: { x: 1 }\n")).toBe("unknown-key");
});

test("a syntax error in an included file is told in that file, without consequences elsewhere", () => {
  const top = files({ "top.yml": "a: !include b.yml\n", "b.yml": "x: [1,\n" });
  const read = readDocument(top, z.strictObject({ a: z.strictObject({ x: z.array(z.int()) }) }));
  expect("faults" in read && read.faults.map(({ file, code }) => [file, code])).toEqual([
    [join(dirname(top), "b.yml"), "yaml-syntax"],
  ]);
});

test("an override reaches into lists and makes mappings; what it cannot set it says", () => {
  const top = files({ "top.yml": "models:\n- { file: a }\n" });
  const set = (text: string) => readTree(top, [parseOverride(text) as never]);
  expect(set("models.0.file=b").value).toEqual({ models: [{ file: "b" }] });
  expect(set("measure.window_s=0.5").value).toMatchObject({ measure: { window_s: 0.5 } });
  expect(set("models.5.file=b").faults[0]?.code).toBe("usage");
  expect(set("models.0.file.x=b").faults[0]?.message).toContain("is a single value");
  expect(parseOverride("a=[")).toBeUndefined();
});
