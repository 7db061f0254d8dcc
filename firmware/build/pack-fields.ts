import { type Token, tokensOf } from "./lua-tokens.ts";

/** A statement of the packed chunk. */
export interface Statement {
  tokens: Token[];
  /** The name that it defines, where it does nothing else. */
  defines?: string;
}

/** A line of the message table. */
const LINE = /^"0x[0-9a-f]{2} /;

/**
 * What a board without `describe` reads of a line: id, class and fields. Sender, name of the answer and the dashes are
 * for people and for the other end.
 */
export function leanLine(text: string): string {
  return text.replace(/^"(0x[0-9a-f]{2}) ([a-z]+)(?::[a-z_]+)? (?:host|board|both)(.*) --"$/, '"$1 $2$3"');
}

/** What decides which names of fields a bundle keeps. */
export interface Names {
  /** Names by which the runtime and the bundle know each other. */
  contract: readonly string[];
  /** The bundle describes its message table: its lines stay whole, and their fields keep their names. */
  described: boolean;
}

/** Names that keep their form: the contract's, and those that some string holds as a word. */
export function spoken(statements: Statement[], names: Names): Set<string> {
  const words = new Set(names.contract);
  for (const { tokens } of statements) {
    for (const [i, token] of tokens.entries()) {
      if (token.kind === "string" && (names.described || !LINE.test(token.text)))
        for (const word of token.text.match(/\w+/g) ?? []) words.add(word);
      // The class of a message is looked up by its word.
      if (token.kind === "string" && LINE.test(token.text)) words.add(/^"\w+ ([a-z]+)/.exec(token.text)?.[1] ?? "");
      // Names of messages are the keys of the table.
      if (token.key && LINE.test(tokens[i + 2]?.text ?? "")) words.add(token.text);
      if (token.field && ["string", "table", "math"].includes(tokens[i - 2]?.text ?? "")) words.add(token.text);
    }
  }
  return words;
}

/** End of the entry of a table constructor whose value begins at `from`: the index of its comma or closing brace. */
function entryEnd(tokens: Token[], from: number): number {
  let depth = 0;
  for (let i = from; i < tokens.length; i += 1) {
    const { text, field, kind } = tokens[i] as Token;
    if (field || kind === "string") continue;
    if (depth === 0 && (text === "," || text === "}")) return i;
    if (["{", "(", "[", "function", "do", "if", "repeat"].includes(text)) depth += 1;
    else if (["}", ")", "]", "end", "until"].includes(text)) depth -= 1;
  }
  return tokens.length;
}

/** Leaves out entries of tables that nobody reads and whose value is a literal or a function. Gives how many. */
export function dropUnread(statements: Statement[], names: Names): number {
  const stay = spoken(statements, names);
  // The codec reads the fields of messages by the names in their lines.
  for (const { text } of statements.flatMap(({ tokens }) => tokens)) {
    if (LINE.test(text)) for (const [, name] of text.matchAll(/ (\w+):/g)) stay.add(name as string);
  }
  const reads = new Map<string, number>();
  const within = new Map<string, number>();
  const entries: { statement: Statement; from: number; to: number; name: string }[] = [];
  for (const statement of statements) {
    const { tokens } = statement;
    for (const [i, token] of tokens.entries()) {
      if (token.field) reads.set(token.text, (reads.get(token.text) ?? 0) + 1);
      if (!token.key || stay.has(token.text)) continue;
      const to = entryEnd(tokens, i + 2);
      const value = tokens.slice(i + 2, to);
      const literal = value.length === 1 && value[0]?.kind !== "name";
      const closure = value[0]?.text === "function" && value.at(-1)?.text === "end";
      const own = value.filter(({ field, text }) => field && text === token.text).length;
      within.set(token.text, (within.get(token.text) ?? 0) + own);
      if (literal || closure || value.length === 1) entries.push({ statement, from: i, to, name: token.text });
    }
  }
  let dropped = 0;
  for (const { statement, from, to, name } of entries.reverse()) {
    if ((reads.get(name) ?? 0) > (within.get(name) ?? 0)) continue;
    const comma = statement.tokens[to]?.text === ",";
    const before = statement.tokens[from - 1]?.text === ",";
    if (comma) statement.tokens.splice(from, to + 1 - from);
    else statement.tokens.splice(before ? from - 1 : from, to - (before ? from - 1 : from));
    dropped += 1;
  }
  return dropped;
}

const reserved = new Set(
  "and break do else elseif end false for function goto if in local nil not or repeat return then true until while".split(
    " ",
  ),
);

/** Gives fields short names, the commonest the shortest; what a string holds, the runtime or Lua knows keeps its name. */
export function shortenFields(statements: Statement[], names: Names): void {
  const stay = spoken(statements, names);
  const count = new Map<string, number>();
  const add = (name: string): void => void count.set(name, (count.get(name) ?? 0) + 1);
  for (const { tokens } of statements) {
    for (const token of tokens) {
      if (token.field || token.key) add(token.text);
      if (!names.described && LINE.test(token.text)) {
        token.text = leanLine(token.text);
        for (const [, name] of token.text.matchAll(/ (\w+):/g)) add(name as string);
      }
    }
  }
  const letters = [..."abcdefghijklmnopqrstuvwxyz"];
  const candidates = [...letters, ...letters.flatMap((a) => letters.map((b) => a + b))].filter(
    (name) => !stay.has(name) && !reserved.has(name),
  );
  const ranked = [...count].filter(([name]) => !stay.has(name)).sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  const short = new Map(ranked.map(([name], n) => [name, candidates[n] as string]));
  for (const { tokens } of statements) {
    for (const token of tokens) {
      if (token.field || token.key) token.text = short.get(token.text) ?? token.text;
      else if (!names.described && LINE.test(token.text)) {
        token.text = token.text.replace(/ (\w+):/g, (_, name: string) => ` ${short.get(name) ?? name}:`);
      }
    }
  }
}

/**
 * Functions of Lua's own that the chunk uses become locals of it: shorter than a global, and the runtime can give the
 * libraries' tables back once the chunk has run.
 */
export function localLibrary(statements: Statement[]): Statement[] {
  const names = new Set<string>();
  const globals = new Set(["ipairs", "pairs", "tostring", "tonumber", "pcall", "type", "error", "select", "next"]);
  const at = (tokens: Token[], i: number): string | undefined => {
    const token = tokens[i] as Token;
    if (token.kind !== "name" || token.field || token.key) return undefined;
    if (globals.has(token.text)) return token.text;
    if (token.text !== "string" && token.text !== "table") return undefined;
    return `${token.text}.${tokens[i + 2]?.text}`;
  };
  for (const { tokens } of statements) {
    for (const i of tokens.keys()) {
      const name = at(tokens, i);
      if (name !== undefined) names.add(name);
    }
  }
  for (const { tokens } of statements) {
    for (let i = 0; i < tokens.length; i += 1) {
      const name = at(tokens, i);
      if (name === undefined) continue;
      tokens.splice(i, name.includes(".") ? 3 : 1, { ...(tokens[i] as Token), text: name.replace(".", "_") });
    }
  }
  const heads = [...names].map((name) => ({ tokens: tokensOf(`local ${name.replace(".", "_")} = ${name}`) }));
  return [...heads, ...statements];
}

/** Arguments of a call whose opening parenthesis is at `from`, and where it closes. */
function argumentsAt(tokens: Token[], from: number): { list: Token[][]; end: number } {
  const list: Token[][] = [[]];
  let depth = 0;
  for (let i = from + 1; i < tokens.length; i += 1) {
    const token = tokens[i] as Token;
    const { text } = token;
    if (depth === 0 && text === ")" && token.kind !== "string") return { list, end: i };
    if (token.kind !== "string" && !token.field) {
      if (["{", "(", "[", "function", "do", "if"].includes(text)) depth += 1;
      else if (["}", ")", "]", "end"].includes(text)) depth -= 1;
    }
    if (depth === 0 && text === "," && token.kind !== "string") list.push([]);
    else list.at(-1)?.push(token);
  }
  throw new Error("pack: a call without an end");
}

/** Whether an expression is a call and nothing else, so that it may be a statement. */
function isCall(expression: Token[]): boolean {
  const open = expression.findIndex(({ kind, text }) => kind !== "string" && text === "(");
  return open > 0 && expression[0]?.kind === "name" && argumentsAt(expression, open).end === expression.length - 1;
}

/** Behind these a call is a value, and not a statement of its own. */
const VALUE_FOLLOWS = new Set(
  "( [ { , = == ~= < > <= >= + - * / // % & | ~ << >> .. # and or not return if elseif while until in".split(" "),
);

/**
 * Puts functions that are one expression, with each parameter once and in order, where they are called. `f(a, b)` becomes
 * the expression in parentheses, and so do its arguments; one that may skip an argument is left alone.
 */
export function inlineExpressions(statements: Statement[]): void {
  const sign = (text: string): Token => ({ kind: "sign", text, key: false, field: false });
  for (const { tokens, defines } of statements) {
    const words = tokens.map(({ text }) => text);
    const close = words.indexOf(")");
    if (defines === undefined || words[1] !== "function" || words[close + 1] !== "return" || words.at(-1) !== "end")
      continue;
    const parameters = words.slice(4, close).filter((text) => text !== ",");
    const expression = tokens.slice(close + 2, -1);
    if (expression.some(({ text }) => ["function", "end", "return", "and", "or"].includes(text))) continue;
    const uses = expression.filter(({ text, field, key }) => parameters.includes(text) && !field && !key);
    if (uses.map(({ text }) => text).join() !== parameters.join()) continue;
    for (const other of statements) {
      if (other.defines === defines) continue;
      for (let i = other.tokens.length - 1; i >= 0; i -= 1) {
        const token = other.tokens[i] as Token;
        if (token.text !== defines || token.field || token.key || other.tokens[i + 1]?.text !== "(") continue;
        const value = VALUE_FOLLOWS.has(other.tokens[i - 1]?.text ?? "");
        if (!value && !isCall(expression)) continue;
        const { list, end } = argumentsAt(other.tokens, i + 1);
        if (list.length !== parameters.length && parameters.length > 0) continue;
        const body = expression.flatMap((part): Token[] => {
          const n = part.field || part.key ? -1 : parameters.indexOf(part.text);
          if (n < 0) return [{ ...part }];
          const given = (list[n] as Token[]).map((piece) => ({ ...piece }));
          return given.length === 1 ? given : [sign("("), ...given, sign(")")];
        });
        other.tokens.splice(i, end + 1 - i, ...(value ? [sign("("), ...body, sign(")")] : body));
      }
    }
  }
}
