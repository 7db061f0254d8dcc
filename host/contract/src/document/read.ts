import { readFileSync } from "node:fs";
import {
  type Document,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  type Node,
  parseDocument,
  parse as parseYaml,
} from "yaml";
import type { z } from "../schema.ts";
import { type Fault, suggest } from "./fault.ts";

type Path = (string | number)[];

/** A file that was read, parsed and found valid. */
export interface Loaded<T> {
  value: T;
  file: string;
  /** Makes a fault at a value of the file. */
  fault(code: string, path: Path, message: string, suggestion?: string): Fault;
}

export type Read<T> = Loaded<T> | { faults: Fault[] };

/** Sets a value before validation: `measure.window_s=1`, list items by number, value read as YAML. */
export interface Override {
  path: Path;
  value: unknown;
  text: string;
}

const ALIASES = 100;

/** Parses `PATH=VALUE`; undefined where there is no `=` or no path. */
export function parseOverride(text: string): Override | undefined {
  const equals = text.indexOf("=");
  if (equals < 1) return undefined;
  const path = text
    .slice(0, equals)
    .split(".")
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
  return { path, value: parseYaml(text.slice(equals + 1)), text };
}

/**
 * Reads a YAML file and checks it against a schema. All faults come together, each with line and column: syntax first,
 * then unknown keys, wrong types and missing values.
 */
export function readDocument<T>(file: string, schema: z.ZodType<T>, overrides: Override[] = []): Read<T> {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const message = code === "ENOENT" ? `${file} not found` : `${file} cannot be read: ${(error as Error).message}`;
    return { faults: [{ code: "file-not-found", message, file, line: 1, column: 1, path: "" }] };
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false });
  const position = (node: Node | undefined | null): { line: number; column: number } => {
    const at = lines.linePos(node?.range?.[0] ?? 0);
    return { line: Math.max(1, at.line), column: Math.max(1, at.col) };
  };
  if (document.errors.length > 0) {
    return {
      faults: document.errors.map((error) => {
        const at = lines.linePos(error.pos[0]);
        return { code: "yaml-syntax", message: error.message, file, line: at.line, column: at.col, path: "" };
      }),
    };
  }
  for (const override of overrides) document.setIn(override.path, document.createNode(override.value));

  const fault = (code: string, path: Path, message: string, suggestion?: string): Fault => ({
    code,
    message,
    file,
    ...position(nodeAt(document, path)),
    path: path.join("."),
    ...(suggestion === undefined ? {} : { suggestion }),
  });

  let plain: unknown;
  try {
    plain = document.toJS({ maxAliasCount: ALIASES });
  } catch (error) {
    return { faults: [fault("yaml-aliases", [], (error as Error).message)] };
  }
  const checked = schema.safeParse(plain);
  if (checked.success) return { value: checked.data, file, fault };
  const faults = issuesToFaults(checked.error.issues, document, schema, fault, file, position);
  return { faults: faults.sort((a, b) => a.line - b.line || a.column - b.column) };
}

/** The node at a path, or the deepest one on the way to it. */
function nodeAt(document: Document, path: Path): Node | undefined {
  for (let length = path.length; length >= 0; length -= 1) {
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    if (isNode(node)) return node as Node;
  }
  return undefined;
}

/** The node of a key itself, so that an unknown key is shown where it stands. */
function keyNode(document: Document, path: Path, key: string): Node | undefined {
  const map = path.length === 0 ? document.contents : document.getIn(path, true);
  if (!isMap(map)) return undefined;
  const pair = map.items.find((item) => isScalar(item.key) && String(item.key.value) === key);
  return pair !== undefined && isNode(pair.key) ? pair.key : undefined;
}

interface SchemaDef {
  shape?: Record<string, { def: SchemaDef }>;
  element?: { def: SchemaDef };
  innerType?: { def: SchemaDef };
  in?: { def: SchemaDef };
  options?: { def: SchemaDef }[];
}

/** Keys that the schema knows at a path, over all alternatives of unions. */
function knownKeys(def: SchemaDef, path: Path): string[] {
  if (def.innerType !== undefined) return knownKeys(def.innerType.def, path);
  if (def.in !== undefined) return knownKeys(def.in.def, path);
  if (def.options !== undefined) return def.options.flatMap((option) => knownKeys(option.def, path));
  const [head, ...rest] = path;
  if (head === undefined) return Object.keys(def.shape ?? {});
  const next = typeof head === "number" ? def.element : def.shape?.[head];
  return next === undefined ? [] : knownKeys(next.def, rest);
}

function issuesToFaults(
  issues: z.core.$ZodIssue[],
  document: Document,
  schema: z.ZodType,
  fault: Loaded<unknown>["fault"],
  file: string,
  position: (node: Node | undefined) => { line: number; column: number },
): Fault[] {
  const faults: Fault[] = [];
  for (const issue of issues) {
    const path = issue.path as Path;
    if (issue.code === "unrecognized_keys") {
      const known = knownKeys((schema as unknown as { def: SchemaDef }).def, path);
      for (const key of issue.keys) {
        const suggestion = suggest(key, known);
        faults.push({
          code: "unknown-key",
          message: `unknown key ${key}`,
          file,
          ...position(keyNode(document, path, key)),
          path: [...path, key].join("."),
          ...(suggestion === undefined ? {} : { suggestion }),
        });
      }
    } else if (issue.code === "invalid_type" && document.getIn(path) === undefined && path.length > 0) {
      faults.push(fault("missing", path, `${path.join(".")} is missing: ${issue.expected} is wanted`));
    } else if (issue.code === "invalid_value") {
      const given = String(document.getIn(path));
      faults.push(
        fault("value", path, `${path.join(".")}: ${given} is not allowed`, suggest(given, issue.values.map(String))),
      );
    } else if (issue.code === "invalid_union") {
      // The alternative that got furthest tells most.
      const inner = [...issue.errors].sort((a, b) => depth(b) - depth(a))[0] ?? [];
      const nested = inner.map((entry) => ({ ...entry, path: [...path, ...entry.path] }));
      faults.push(...issuesToFaults(nested, document, schema, fault, file, position));
    } else {
      faults.push(
        fault(issue.code === "invalid_type" ? "type" : "value", path, `${path.join(".") || "file"}: ${issue.message}`),
      );
    }
  }
  return faults;
}

function depth(issues: z.core.$ZodIssue[]): number {
  return Math.max(0, ...issues.map((issue) => issue.path.length));
}
