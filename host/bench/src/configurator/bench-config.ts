import { checkTree, type Fault, faultAt, type Path, suggest, type Tree } from "@mltb/contract";
import { type Entry, type EntryKind, entrySchemas, sections } from "./bench-schema.ts";

/** An entry of a bench file with the place of its values. */
export interface Placed<T> {
  value: T;
  path: Path;
  /** Its form has faults: the value is what stands in the file, of any type. */
  faulty?: true;
}

/** The value of an entry whose form has no faults. */
export function sound<T>(entry: Placed<T> | undefined): T | undefined {
  return entry === undefined || entry.faulty === true ? undefined : entry.value;
}

export type Entries = { [K in EntryKind]: Map<string, Placed<Entry<K>>> };

/** A typed bench file with all that it includes, every entry checked by itself. */
export interface BenchFile {
  entries: Entries;
  tree: Tree;
  /** An include is missing or broken: nothing can be said of identifiers that are not there. */
  incomplete: boolean;
}

/** Whether a document is a typed bench file rather than an experiment or a bay. */
export function isBenchTree(tree: Tree): boolean {
  const value = tree.value;
  if (value === null || typeof value !== "object" || "experiment" in value || "bay" in value) return false;
  return ["config_files", "exps", "applications"].some((section) => section in value);
}

interface Found {
  kind: EntryKind;
  path: Path;
}

/** A typed bench file from its tree: entries by kind and identifier, and every fault of form. */
export function readBenchTree(tree: Tree): { file: BenchFile; faults: Fault[] } {
  const faults: Fault[] = [];
  const found: Found[] = [];
  collect(tree, [], found, faults);
  const entries = Object.fromEntries(Object.keys(entrySchemas).map((kind) => [kind, new Map()])) as unknown as Entries;
  for (const { kind, path } of found) {
    const plain = untagged(tree, path);
    const checked = checkTree(tree, path, entrySchemas[kind] as never, plain);
    if ("faults" in checked) {
      faults.push(...checked.faults);
      // An entry with faults still defines its identifier, so that references to it are no faults of their own.
      if (typeof plain["identifier"] !== "string") continue;
    }
    const identifier = plain["identifier"] as string;
    const known = entries[kind].get(identifier);
    if (known !== undefined) {
      const at = tree.place([...known.path, "identifier"]);
      faults.push(
        faultAt(
          tree,
          "duplicate-name",
          [...path, "identifier"],
          `${kind} ${identifier} is already defined at ${at.file}:${at.line}`,
        ),
      );
      continue;
    }
    const placed: Placed<unknown> =
      "faults" in checked ? { value: plain, path, faulty: true } : { value: checked.value, path };
    (entries[kind] as Map<string, Placed<unknown>>).set(identifier, placed);
  }
  return { file: { entries, tree, incomplete: tree.incomplete }, faults };
}

function plainObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

function empty(value: unknown): boolean {
  return value === null || value === "" || value === undefined;
}

/** Keys of a mapping whose empty value carries a tag: they type the mapping and hold nothing. */
function markers(tree: Tree, path: Path): string[] {
  const value = tree.get(path);
  if (!plainObject(value)) return [];
  return Object.keys(value).filter((key) => empty(value[key]) && tree.tag([...path, key]) !== undefined);
}

function untagged(tree: Tree, path: Path): Record<string, unknown> {
  const drop = markers(tree, path);
  const value = tree.get(path) as Record<string, unknown>;
  return Object.fromEntries(Object.entries(value).filter(([key]) => !drop.includes(key)));
}

/** Entries of a mapping of sections, and of the files that its `config_files` include. */
function collect(tree: Tree, path: Path, found: Found[], faults: Fault[]): void {
  const value = tree.get(path);
  if (!plainObject(value)) {
    if (path.length > 0 || !tree.incomplete)
      faults.push(faultAt(tree, "type", path, "a mapping of sections is wanted", suggest("", Object.keys(sections))));
    return;
  }
  for (const section of Object.keys(value)) {
    const at = [...path, section];
    const content = value[section];
    if (content === undefined) continue;
    const kind = Object.hasOwn(sections, section) ? sections[section] : undefined;
    if (section !== "config_files" && kind === undefined) {
      const mend = suggest(section, ["config_files", ...Object.keys(sections)]);
      const place = tree.keyPlace(path, section);
      faults.push({
        code: "unknown-key",
        message: `unknown section ${section}`,
        ...place,
        path: at.join("."),
        ...(mend === undefined ? {} : { suggestion: mend }),
      });
      continue;
    }
    if (!Array.isArray(content)) {
      faults.push(faultAt(tree, "type", at, `${section}: a list is wanted`));
      continue;
    }
    for (const [i, item] of content.entries()) {
      const here = [...at, i];
      if (item === undefined) continue;
      // Files that are lists of entries are spliced into config_files; their entries say what they are by their tags.
      const type = plainObject(item) ? typeOf(tree, here, faults) : undefined;
      if (kind === undefined && type === undefined) collect(tree, here, found, faults);
      else if (!plainObject(item)) faults.push(faultAt(tree, "type", here, `a mapping is wanted in ${section}`));
      else if (type !== "unknown") found.push(ofKind(tree, here, kind, type, section, faults));
    }
  }
}

/** The kind that an entry's tag names; `unknown` after a tag that names none, undefined where there is no tag. */
function typeOf(tree: Tree, path: Path, faults: Fault[]): EntryKind | "unknown" | undefined {
  const tagged = [path, ...markers(tree, path).map((key) => [...path, key])].filter((at) => tree.tag(at) !== undefined);
  const [at, second] = tagged;
  if (at === undefined) return undefined;
  const fault = (where: Path, message: string, mend?: string): "unknown" => {
    faults.push({
      code: "unknown-tag",
      message,
      ...tree.tagPlace(where),
      path: where.join("."),
      ...(mend === undefined ? {} : { suggestion: mend }),
    });
    return "unknown";
  };
  if (second !== undefined) return fault(second, "a mapping has one type");
  const tag = tree.tag(at) as string;
  if (Object.hasOwn(entrySchemas, tag)) return tag as EntryKind;
  const near = suggest(tag, Object.keys(entrySchemas));
  return fault(at, `unknown tag !${tag}`, near?.replace(/ (\w+)\?$/, " !$1?"));
}

function ofKind(
  tree: Tree,
  path: Path,
  kind: EntryKind | undefined,
  type: EntryKind | undefined,
  section: string,
  faults: Fault[],
): Found {
  if (kind !== undefined && type !== undefined && kind !== type)
    faults.push(faultAt(tree, "unknown-tag", path, `${section} holds entries of type !${kind}, this one is !${type}`));
  return { kind: (kind ?? type) as EntryKind, path };
}
