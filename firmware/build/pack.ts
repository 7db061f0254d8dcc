import { type Token, textOf, tokensOf } from "./lua-tokens.ts";
import { dropUnreadSums, plainSums } from "./pack-counters.ts";
import {
  dropUnread,
  inlineExpressions,
  localLibrary,
  type Names,
  type Statement,
  shortenFields,
} from "./pack-fields.ts";

/** A packed bundle, and for each of its lines the line of the transpiler's output that it comes from, 0 for none. */
export interface Packed {
  source: string;
  lines: number[];
}

/**
 * Packs a bundle of the transpiler for boards where each byte counts. Modules become one chunk: what one exports and another
 * imports is one local, constants stand where they are used, and functions that nobody uses are left out. Names of fields
 * that no string holds and no other side knows get one or two letters. The code itself is not touched.
 *
 * The transpiler's output is regular, and this relies on it: statements of a module begin in the first column, imports are
 * `local x = require(...)` and `local a = x.b`, exports `____exports.a`. What does not fit ends the build.
 */
export function packBundle(source: string, names: Names): Packed {
  const modules = modulesOf(source);
  const [, entry] = /^local ____entry = require\("([^"]+)"/m.exec(source) ?? [];
  const statements: Statement[] = [];
  const done = new Set<string>();
  const visit = (name: string): void => {
    if (done.has(name)) return;
    done.add(name);
    const module = modules.get(name);
    if (module === undefined) throw new Error(`pack: no module ${name}`);
    for (const [, needed] of module.body.matchAll(/require\("([^"]+)"\)/g)) visit(needed as string);
    statements.push(...hoisted(name, module, [...modules.keys()]));
  };
  visit(entry ?? "");
  let used = reachable(foldConstants(statements));
  inlineExpressions(used);
  plainSums(used);
  dropUnreadSums(used, names);
  do used = reachable(used);
  while (dropUnread(used, names) > 0);
  shortenFields(used, names);
  used = localLibrary(used);
  if (used.length > 190) throw new Error(`pack: ${used.length} names, a chunk of Lua has at most 200`);
  const written = used.map(({ tokens }) => textOf(tokens));
  return { source: written.map(({ text }) => text).join(""), lines: written.flatMap(({ lines }) => lines) };
}

interface Module {
  body: string;
  /** Line of the transpiler's output at which the body begins, from 1. */
  line: number;
}

function modulesOf(source: string): Map<string, Module> {
  const modules = new Map<string, Module>();
  for (const found of source.matchAll(/^\["([^"]+)"\] = function\(\.\.\.\) \n([\s\S]*?)^ end,$/gm)) {
    const line = source.slice(0, found.index).split("\n").length + 1;
    modules.set(found[1] as string, { body: found[2] as string, line });
  }
  return modules;
}

interface Text {
  text: string;
  line: number;
}

/** Cuts a module into its statements: each begins in the first column. Lines within one stay where they are. */
function statementsOf({ body, line: first }: Module): Text[] {
  const statements: Text[] = [];
  for (const [n, line] of body.split("\n").entries()) {
    const last = statements.at(-1);
    if (last !== undefined && (line === "" || line.startsWith("--") || /^\s|^(end|\}|\)|else|elseif|until)/.test(line)))
      last.text += `\n${line}`;
    else if (line !== "" && !line.startsWith("--")) statements.push({ text: line, line: first + n });
  }
  for (const statement of statements) statement.text = statement.text.replace(/(\n(--.*)?)+$/, "");
  return statements;
}

const exported = (names: string[], module: string, name: string): string => `${name}_${names.indexOf(module)}x`;

/** The statements of a module with names that are its own in the whole chunk; imports and re-exports are gone. */
function hoisted(module: string, body: Module, all: string[]): Statement[] {
  const renamed = new Map<string, string>();
  const spaces = new Map<string, string>();
  const rest: Text[] = [];
  const reexports = /^do\n\s+local \w+ = require\("([^"]+)"\)\n((?:\s+____exports\.\w+ = \w+\.\w+\n)+)end$/;
  const resolve = (from: string, name: string): string => aliases.get(`${from} ${name}`) ?? exported(all, from, name);
  for (const entry of statementsOf(body)) {
    const { text } = entry;
    const space = /^local (\w+) = require\("([^"]+)"\)$/.exec(text);
    const named = /^local (\w+) = (\w+)\.(\w+)$/.exec(text);
    const again = reexports.exec(text);
    if (space !== null) spaces.set(space[1] as string, space[2] as string);
    else if (named !== null && spaces.has(named[2] as string)) {
      renamed.set(named[1] as string, resolve(spaces.get(named[2] as string) as string, named[3] as string));
    } else if (again !== null) {
      for (const [, name, original] of (again[2] as string).matchAll(/____exports\.(\w+) = \w+\.(\w+)/g)) {
        aliases.set(`${module} ${name}`, resolve(again[1] as string, original as string));
      }
    } else if (text !== "local ____exports = {}" && text !== "return ____exports") rest.push(entry);
    else if (text === "return ____exports" && module.endsWith(".main")) {
      rest.push({ ...entry, text: `return {boot = ____exports.boot}` });
    }
  }
  const { entries, forward } = declared(rest);
  for (const { text } of entries) {
    const [, local] = /^local (?:function )?(\w+)/.exec(text) ?? [];
    if (local !== undefined) renamed.set(local, `${local}_${all.indexOf(module)}`);
    const [, later] = /^(?:function )?(\w+)/.exec(text) ?? [];
    if (later !== undefined && definition(later).test(text)) renamed.set(later, `${later}_${all.indexOf(module)}`);
  }
  return entries.map((entry) => statement(entry, module, all, renamed, forward));
}

const definition = (name: string): RegExp => new RegExp(`^(function ${name}\\(|${name} = )`);

/**
 * The transpiler declares names that functions use before their definitions: `local a, b`. A declaration stays, one name
 * a statement, where something between it and the definition uses the name; otherwise the definition declares it.
 */
function declared(texts: Text[]): { entries: Text[]; forward: Set<string> } {
  const forward = new Set<string>();
  const entries = texts.flatMap((entry, at): Text[] => {
    const [, names] = /^local (\w+(?:, \w+)*)$/.exec(entry.text) ?? [];
    if (names === undefined) return [entry];
    return names.split(", ").flatMap((name) => {
      const end = texts.findIndex(({ text }) => definition(name).test(text));
      const between = texts.slice(at + 1, end < 0 ? undefined : end);
      if (end >= 0 && !between.some(({ text }) => new RegExp(`\\b${name}\\b`).test(text))) return [];
      forward.add(name);
      return [{ ...entry, text: `local ${name}` }];
    });
  });
  return { entries, forward };
}

/** `module name` to the name of what it re-exports. */
const aliases = new Map<string, string>();

function statement(
  { text, line }: Text,
  module: string,
  all: string[],
  renamed: Map<string, string>,
  forward: Set<string>,
): Statement {
  const tokens: Token[] = [];
  const source = tokensOf(text, line);
  for (let i = 0; i < source.length; i += 1) {
    const token = source[i] as Token;
    if (token.text === "____exports" && source[i + 1]?.text === ".") {
      tokens.push({ ...token, text: exported(all, module, source[i + 2]?.text ?? "") });
      i += 2;
    } else if (token.text === "____exports") throw new Error(`pack: ${text}`);
    else if (token.kind === "name" && !token.field && !token.key) {
      tokens.push({ ...token, text: renamed.get(token.text) ?? token.text });
    } else tokens.push(token);
  }
  const words = tokens.map((token) => token.text);
  const at = words[0] === "local" ? 1 : 0;
  const known = at === 1 || forward.has(source[source[0]?.text === "function" ? 1 : 0]?.text ?? "");
  const whole = known ? tokens : [sign("local"), ...tokens];
  if (words[at] === "function") return { tokens: whole, defines: words[at + 1] as string };
  const assigned = words[at + 1] === "=";
  if (words[0] === "local" && !assigned) {
    const plain = words.length === 2;
    return plain ? { tokens, defines: words[1] as string } : { tokens };
  }
  if (!assigned) return { tokens };
  const defines = words[at] as string;
  return { tokens: whole, ...(hasCall(tokens) ? {} : { defines }) };
}

const sign = (text: string): Token => ({ kind: "name", text, key: false, field: false });

/** Whether evaluating the statement may do something: a call outside of a function's body. */
function hasCall(tokens: Token[]): boolean {
  let depth = 0;
  for (const [i, { text, field, kind }] of tokens.entries()) {
    if (field || kind === "string") continue;
    if (["function", "do", "if", "repeat"].includes(text)) depth += 1;
    else if (text === "end" || text === "until") depth -= 1;
    else if (depth === 0 && text === "(" && tokens[i - 1]?.kind === "name") return true;
  }
  return false;
}

/** Puts numbers where their names are: of constants, and of entries of tables that hold nothing but literals. */
function foldConstants(statements: Statement[]): Statement[] {
  const values = new Map<string, Token[]>();
  const literal = (tokens: Token[]): boolean =>
    tokens.every(({ kind, text }) => kind === "number" || ["+", "-", "*", "(", ")"].includes(text)) &&
    tokens.length > 0;
  for (const entry of statements) {
    entry.tokens = substituted(entry.tokens, values);
    const { tokens, defines } = entry;
    if (defines === undefined || tokens[2]?.text !== "=") continue;
    const value = tokens.slice(3);
    if (literal(value)) values.set(defines, value.length === 1 ? value : [sign("("), ...value, sign(")")]);
    else if (value[0]?.text === "{") collect(defines, value, values);
  }
  return statements;
}

/** Notes the numbers of a table of literals, nested ones by their path. */
function collect(name: string, tokens: Token[], values: Map<string, Token[]>): void {
  const path = [name];
  const found: [string, Token[]][] = [];
  for (let i = 1; i < tokens.length; i += 1) {
    const token = tokens[i] as Token;
    if (token.key && tokens[i + 2]?.text === "{") {
      path.push(token.text);
      i += 2;
    } else if (token.key && tokens[i + 2]?.kind === "number" && [",", "}"].includes(tokens[i + 3]?.text ?? "")) {
      found.push([[...path, token.text].join("."), [tokens[i + 2] as Token]]);
      i += 2;
    } else if (token.text === "}") path.pop();
    else if (token.text === "function" || token.text === "{") return;
  }
  for (const [key, value] of found) values.set(key, value);
}

function substituted(tokens: Token[], values: Map<string, Token[]>): Token[] {
  const out: Token[] = [];
  for (let i = 0; i < tokens.length; i += 1) {
    const token = tokens[i] as Token;
    let value: Token[] | undefined;
    if (token.kind === "name" && !token.field && !token.key) {
      // The longest path first: `part.commands.read` before `part`.
      let path = token.text;
      value = values.get(path);
      let ahead = i;
      while (value === undefined && tokens[ahead + 1]?.text === "." && tokens[ahead + 2]?.field) {
        ahead += 2;
        path = `${path}.${tokens[ahead]?.text}`;
        value = values.get(path);
      }
      if (value !== undefined && tokens[i - 1]?.text !== "local") i = ahead;
      else value = undefined;
    }
    out.push(...(value ?? [token]));
  }
  return out;
}

/** Statements that do something, and the definitions that they need. */
function reachable(statements: Statement[]): Statement[] {
  const definitions = new Map<string, Statement[]>();
  for (const entry of statements) {
    if (entry.defines !== undefined) definitions.set(entry.defines, [...(definitions.get(entry.defines) ?? []), entry]);
  }
  const wanted = new Set<Statement>();
  const need = (entry: Statement): void => {
    if (wanted.has(entry)) return;
    wanted.add(entry);
    for (const { kind, text, field, key } of entry.tokens) {
      if (kind === "name" && !field && !key) for (const other of definitions.get(text) ?? []) need(other);
    }
  };
  for (const entry of statements) if (entry.defines === undefined) need(entry);
  return statements.filter((entry) => wanted.has(entry));
}
