import type { z } from "../schema.ts";
import { type Fault, suggest } from "./fault.ts";
import { type Override, type Path, readTree, type Tree } from "./tree.ts";

/** A file that was read, parsed and found valid. */
export interface Loaded<T> {
  value: T;
  file: string;
  /** Makes a fault at a value of the file. */
  fault(code: string, path: Path, message: string, suggestion?: string): Fault;
}

/** Where the file could be parsed, `parsed` has what stands there and makes faults as for one that is valid. */
export type Read<T> = Loaded<T> | { faults: Fault[]; parsed?: { value: unknown; fault: Loaded<T>["fault"] } };

/** A fault at a value of a tree, in whichever file it stands. */
export function faultAt(tree: Tree, code: string, path: Path, message: string, suggestion?: string): Fault {
  const mend = suggestion === undefined ? {} : { suggestion };
  return { code, message, ...tree.place(path), path: path.join("."), ...mend };
}

/** Faults in the order of the files in which they were found, then by line and column. */
export function sortFaults(faults: Fault[]): Fault[] {
  const order = [...new Set(faults.map((fault) => fault.file))];
  return faults.sort((a, b) => order.indexOf(a.file) - order.indexOf(b.file) || a.line - b.line || a.column - b.column);
}

/**
 * Reads a YAML file and checks it against a schema. All faults come together, each with file, line and column: syntax and
 * includes first, then unknown keys, wrong types and missing values. While an include is missing, no value counts as missing.
 */
export function readDocument<T>(file: string, schema: z.ZodType<T>, overrides: Override[] = []): Read<T> {
  const tree = readTree(file, overrides);
  const faults = [...tree.faults];
  for (const path of tree.tags()) {
    faults.push({
      code: "unknown-tag",
      message: `unknown tag !${tree.tag(path)}`,
      ...tree.tagPlace(path),
      path: path.join("."),
      suggestion: "only !include is known here",
    });
  }
  if (tree.value === undefined) return { faults: sortFaults(faults) };
  const checked = checkTree(tree, [], schema);
  if ("faults" in checked)
    faults.push(...checked.faults.filter((fault) => !tree.incomplete || fault.code !== "missing"));
  const fault: Loaded<T>["fault"] = (code, path, message, mend) => faultAt(tree, code, path, message, mend);
  if (faults.length > 0 || "faults" in checked) {
    return { faults: sortFaults(faults), parsed: { value: tree.value, fault } };
  }
  return { value: checked.value, file, fault };
}

/**
 * Checks a part of a tree against a schema; `value` stands for the part where it was prepared before. The list of faults is empty
 * where it lacks only what an include was to bring.
 */
export function checkTree<T>(
  tree: Tree,
  path: Path,
  schema: z.ZodType<T>,
  value: unknown = tree.get(path),
): { value: T } | { faults: Fault[] } {
  const checked = schema.safeParse(value);
  if (checked.success) return { value: checked.data };
  return { faults: issuesToFaults(checked.error.issues, tree, path, schema) };
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

function issuesToFaults(issues: z.core.$ZodIssue[], tree: Tree, base: Path, schema: z.ZodType): Fault[] {
  const faults: Fault[] = [];
  for (const issue of issues) {
    const inside = issue.path as Path;
    const path = [...base, ...inside];
    const shown = path.join(".");
    // Of what an include was to bring, the include is the fault.
    const missing = (message: string, mend?: string): void => {
      if (!tree.gap(path)) faults.push(faultAt(tree, "missing", path, message, mend));
    };
    if (issue.code === "unrecognized_keys") {
      const known = knownKeys((schema as unknown as { def: SchemaDef }).def, inside);
      for (const key of issue.keys) {
        const suggestion = suggest(key, known);
        faults.push({
          code: "unknown-key",
          message: `unknown key ${key}`,
          ...tree.keyPlace(path, key),
          path: [...path, key].join("."),
          ...(suggestion === undefined ? {} : { suggestion }),
        });
      }
    } else if (issue.code === "invalid_type" && tree.get(path) === undefined && path.length > 0) {
      missing(`${shown} is missing: ${issue.expected} is wanted`);
    } else if (issue.code === "invalid_value") {
      const given = String(tree.get(path));
      const mend = suggest(given, issue.values.map(String));
      if (tree.get(path) === undefined) missing(`${shown} is missing`, mend);
      else faults.push(faultAt(tree, "value", path, `${shown}: ${given} is not allowed`, mend));
    } else if (issue.code === "too_small" && issue.origin === "array") {
      const { length } = tree.get(path) as unknown[];
      missing(`${shown}: ${issue.minimum} or more are wanted, there are ${length}`);
    } else if (issue.code === "invalid_union") {
      // The alternative that got furthest tells most.
      const inner = [...issue.errors].sort((a, b) => depth(b) - depth(a))[0] ?? [];
      const nested = inner.map((entry) => ({ ...entry, path: [...inside, ...entry.path] }));
      faults.push(...issuesToFaults(nested, tree, base, schema));
    } else {
      const message = `${shown || "file"}: ${issue.message}`;
      if (issue.code === "custom" && path.length > 0 && tree.get(path) === undefined) missing(message);
      else faults.push(faultAt(tree, issue.code === "invalid_type" ? "type" : "value", path, message));
    }
  }
  return faults;
}

function depth(issues: z.core.$ZodIssue[]): number {
  return Math.max(0, ...issues.map((issue) => issue.path.length));
}
