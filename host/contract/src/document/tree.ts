import { readFileSync, statSync } from "node:fs";
import { dirname, isAbsolute, relative, resolve } from "node:path";
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, parse as parseYaml } from "yaml";
import type { Fault } from "./fault.ts";
import { isInside, realPath } from "./real-path.ts";

export type Path = (string | number)[];

/** Where a value stands. Lines and columns count from 1. */
export interface Place {
  file: string;
  line: number;
  column: number;
}

/** Limits of one document with all that it includes. */
export const documentLimits = { file_bytes: 1 << 20, nodes: 100_000, aliases: 100, depth: 64, includes: 64 } as const;

/** A YAML file as plain values, with every `!include` resolved, and the place of each value and key. */
export interface Tree {
  value: unknown;
  faults: Fault[];
  /** An included file is missing or broken: what it would have brought is not there. */
  incomplete: boolean;
  /** Whether such an include stood for the value at a path, or among the items of the list there. */
  gap(path: Path): boolean;
  /** Place of the value at a path, or of the nearest one above it. */
  place(path: Path): Place;
  keyPlace(path: Path, key: string): Place;
  /** A tag of the file's own (`!name`) on the value at a path, without its `!`. */
  tag(path: Path): string | undefined;
  /** Where that tag stands. */
  tagPlace(path: Path): Place;
  /** Paths of all such tags. */
  tags(): Path[];
  get(path: Path): unknown;
}

/** Sets a value before validation: `measure.window_s=1`, list items by number, value read as YAML. */
export interface Override {
  path: Path;
  value: unknown;
  text: string;
}

/** Parses `PATH=VALUE`; undefined where there is no `=` or no path, or where the value is no YAML. */
export function parseOverride(text: string): Override | undefined {
  const equals = text.indexOf("=");
  if (equals < 1) return undefined;
  const path = text
    .slice(0, equals)
    .split(".")
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
  try {
    return { path, value: parseYaml(text.slice(equals + 1)), text };
  } catch {
    // The caller says what form is wanted.
    return undefined;
  }
}

class Limit extends Error {}

const key = (path: Path): string => JSON.stringify(path);

function valueAt(root: unknown, path: Path): unknown {
  let at = root;
  for (const part of path) {
    if (at === null || typeof at !== "object") return undefined;
    at = (at as Record<string | number, unknown>)[part];
  }
  return at;
}

/** Reads a file and what it includes. Never throws: what cannot be read is a fault with its place. */
export function readTree(file: string, overrides: Override[] = []): Tree {
  const places = new Map<string, Place>();
  const keys = new Map<string, Place>();
  const tags = new Map<string, { path: Path; tag: string; place: Place }>();
  const gaps = new Map<string, true>();
  const faults: Fault[] = [];
  const top: Place = { file, line: 1, column: 1 };
  let incomplete = false;
  let nodes = 0;
  let aliases = 0;
  let includes = 0;
  let root = dirname(resolve(file));

  const fault = (code: string, place: Place, path: Path, message: string, suggestion?: string): void => {
    faults.push({ code, message, ...place, path: path.join("."), ...(suggestion === undefined ? {} : { suggestion }) });
  };

  /** Reads one file of the document; `chain` holds the real paths of the files that led here. */
  function readFile(name: string, at: Place, path: Path, chain: string[]): unknown {
    let text: string;
    try {
      const stat = statSync(name);
      if (!stat.isFile()) throw new Error("it is no regular file");
      if (stat.size > documentLimits.file_bytes) throw new Error(`it has more than ${documentLimits.file_bytes} bytes`);
      text = readFileSync(name, "utf8");
    } catch (error) {
      const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
      const message = missing ? `${name} not found` : `${name} cannot be read: ${(error as Error).message}`;
      fault("file-not-found", at, path, message);
      incomplete = true;
      return undefined;
    }
    const lines = new LineCounter();
    let document: ReturnType<typeof parseDocument>;
    try {
      document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false, logLevel: "error" });
    } catch (error) {
      // A text nested deeper than the parser's stack.
      if (!(error instanceof RangeError)) throw error;
      throw new Limit(`${name} is nested too deeply`);
    }
    // What the parser's own stack did not hold it tells as errors of syntax.
    if (document.errors.some(({ message }) => /call stack|stack overflow/i.test(message)))
      throw new Limit(`${name} is nested too deeply`);
    for (const error of document.errors) {
      const where = lines.linePos(error.pos[0]);
      fault("yaml-syntax", { file: name, line: where.line, column: where.col }, path, error.message);
    }
    if (document.errors.length > 0) {
      incomplete = true;
      return undefined;
    }
    const where = (offset: number): Place => {
      const found = lines.linePos(offset);
      return { file: name, line: Math.max(1, found.line), column: Math.max(1, found.col) };
    };
    /** A tag stands before the node's own range. */
    const tagAt = (node: Node, tag: string): Place => where(text.lastIndexOf(tag, node.range?.[0] ?? 0));

    function build(node: unknown, here: Path, depth: number): unknown {
      nodes += 1;
      if (nodes > documentLimits.nodes) throw new Limit(`more than ${documentLimits.nodes} values`);
      if (depth > documentLimits.depth) throw new Limit(`more than ${documentLimits.depth} levels`);
      if (node === null || node === undefined) return null;
      if (isAlias(node)) {
        aliases += 1;
        if (aliases > documentLimits.aliases) throw new Limit(`more than ${documentLimits.aliases} aliases`);
        const value = build(node.resolve(document), here, depth + 1);
        places.set(key(here), where(node.range?.[0] ?? 0));
        return value;
      }
      const { tag } = node as Node & { tag?: string };
      const own = tag?.startsWith("!") && !tag.startsWith("!!") ? tag : undefined;
      places.set(key(here), own === undefined ? where((node as Node).range?.[0] ?? 0) : tagAt(node as Node, own));
      if (own === "!include") return include(node as Node, here, depth);
      if (own !== undefined)
        tags.set(key(here), { path: here, tag: own.slice(1), place: places.get(key(here)) as Place });
      if (isMap(node)) {
        const map: Record<string, unknown> = {};
        for (const pair of node.items) {
          const name = String(isScalar(pair.key) ? pair.key.value : pair.key);
          const at = where((pair.key as Node | null)?.range?.[0] ?? 0);
          if (name === "__proto__") {
            fault("unknown-key", at, here, "unknown key __proto__");
            continue;
          }
          keys.set(key([...here, name]), at);
          map[name] = build(pair.value, [...here, name], depth + 1);
          if (map[name] === undefined) gaps.set(key([...here, name]), true);
        }
        return map;
      }
      if (isSeq(node)) {
        const list: unknown[] = [];
        for (const item of node.items) {
          const spliced = (item as (Node & { tag?: string }) | null)?.tag === "!include";
          const value = build(item, [...here, list.length], depth + 1);
          if (spliced && Array.isArray(value)) splice(value, [...here, list.length], here, list);
          else if (value === undefined) gaps.set(key(here), true);
          else list.push(value);
        }
        return list;
      }
      return isScalar(node) ? node.value : null;
    }

    /** Puts the items of an included list into the list around it, and what is known of their places with them. */
    function splice(items: unknown[], from: Path, here: Path, list: unknown[]): void {
      const first = list.length;
      const prefix = key(from).slice(0, -1);
      if (gaps.delete(key(from))) gaps.set(key(here), true);
      const moved = [places, keys, tags, gaps].map((map) => {
        const found = [...map.entries()].filter(([k]) => k.startsWith(`${prefix},`));
        for (const [k] of found) map.delete(k);
        return found;
      });
      for (const [i, map] of [places, keys, tags, gaps].entries()) {
        for (const [k, entry] of moved[i] as [string, never][]) {
          const rest = (JSON.parse(k) as Path).slice(from.length);
          const path = [...here, first + (rest[0] as number), ...rest.slice(1)];
          (map as Map<string, unknown>).set(key(path), map === tags ? { ...(entry as object), path } : entry);
        }
      }
      list.push(...items);
    }

    function include(node: Node, here: Path, depth: number): unknown {
      const at = tagAt(node, "!include");
      const target = isScalar(node) && typeof node.value === "string" ? node.value.trim() : "";
      if (target === "") {
        incomplete = true;
        fault("value", at, here, "!include wants the name of a file");
        return undefined;
      }
      includes += 1;
      if (includes > documentLimits.includes) throw new Limit(`more than ${documentLimits.includes} includes`);
      // Names are those that the reader wrote, unless a link leads from there to another folder than the file's own.
      const named = resolve(dirname(name), target);
      const real = realPath(resolve(dirname(chain.at(-1) as string), target));
      const full = realPath(named) === real ? named : real;
      if (isAbsolute(target) || !isInside(root, real)) {
        incomplete = true;
        fault("include-outside", at, here, `!include ${target} leads out of ${root}`, "keep included files below it");
        return undefined;
      }
      if (chain.includes(real)) {
        incomplete = true;
        const way = [...chain.slice(chain.indexOf(real)), real].map((step) => relative(root, step)).join(" -> ");
        fault("include-cycle", at, here, `!include ${target} goes round in a circle: ${way}`);
        return undefined;
      }
      const value = readFile(full, at, here, [...chain, real]);
      if (depth > documentLimits.depth) throw new Limit(`more than ${documentLimits.depth} levels`);
      return value;
    }

    return build(document.contents, path, path.length);
  }

  let value: unknown;
  try {
    const real = realPath(resolve(file));
    root = dirname(real);
    value = readFile(file, top, [], [real]);
  } catch (error) {
    if (!(error instanceof Limit)) throw error;
    incomplete = true;
    fault("document-limit", top, [], `the document is too large: ${error.message}`);
  }
  const tree: Tree = {
    value,
    faults,
    incomplete,
    gap: (path) => gaps.has(key(path)),
    place(path) {
      for (let length = path.length; length >= 0; length -= 1) {
        const found = places.get(key(path.slice(0, length)));
        if (found !== undefined) return found;
      }
      return top;
    },
    keyPlace: (path, name) => keys.get(key([...path, name])) ?? tree.place(path),
    tag: (path) => tags.get(key(path))?.tag,
    tagPlace: (path) => tags.get(key(path))?.place ?? tree.place(path),
    tags: () => [...tags.values()].map((entry) => entry.path),
    get: (path) => valueAt(tree.value, path),
  };
  for (const override of overrides) apply(tree, override, fault);
  return tree;
}

/** Sets a value by its path; mappings on the way are made, a list grows by one at most. */
function apply(
  tree: Tree,
  { path, value, text }: Override,
  fault: (code: string, place: Place, path: Path, message: string, suggestion?: string) => void,
): void {
  if (tree.value === null || typeof tree.value !== "object") tree.value = {};
  let at = tree.value as Record<string | number, unknown>;
  for (const [i, part] of path.entries()) {
    const above = path.slice(0, i).join(".");
    let wrong: string | undefined;
    if (typeof at !== "object") wrong = `${above} is a single value`;
    else if (part === "__proto__") wrong = "no such path";
    else if (Array.isArray(at) && (typeof part !== "number" || part > at.length))
      wrong = `${above} is a list of ${at.length}; an item is given by its number from 0`;
    if (wrong !== undefined) {
      fault("usage", tree.place(path), path, `--set ${text}: ${wrong}`);
      return;
    }
    if (i === path.length - 1) at[part] = value;
    else {
      at[part] ??= {};
      at = at[part] as Record<string | number, unknown>;
    }
  }
}
