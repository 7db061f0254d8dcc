/** A word, number, string or sign of Lua. */
export interface Token {
  kind: "name" | "number" | "string" | "sign";
  text: string;
  /** A name that is the key of an entry in a table constructor. */
  key: boolean;
  /** A name after a dot: a field. */
  field: boolean;
}

const PATTERN =
  /--[^\n]*|"(?:\\.|[^"\\])*"|[A-Za-z_]\w*|0x[0-9a-fA-F]+|\d+(?:\.\d+)?(?:e[+-]?\d+)?|\.\.\.|\.\.|::|\/\/|==|~=|<=|>=|<<|>>|\S/g;

/** Splits Lua as the transpiler writes it: no long brackets, strings in double quotes, comments to the end of a line. */
export function tokensOf(source: string): Token[] {
  const tokens: Token[] = [];
  for (const [text] of source.matchAll(PATTERN)) {
    if (text.startsWith("--")) continue;
    const first = text.charAt(0);
    const kind = /[A-Za-z_]/.test(first) ? "name" : /\d/.test(first) ? "number" : first === '"' ? "string" : "sign";
    tokens.push({ kind, text, key: false, field: kind === "name" && tokens.at(-1)?.text === "." });
  }
  markKeys(tokens);
  return tokens;
}

const opens = new Set(["{", "(", "[", "function", "do", "if", "repeat"]);
const closes = new Set(["}", ")", "]", "end", "until"]);

function markKeys(tokens: Token[]): void {
  const inside: string[] = [];
  for (const [i, token] of tokens.entries()) {
    if (token.field || token.kind === "string") continue;
    if (opens.has(token.text)) inside.push(token.text);
    else if (closes.has(token.text)) inside.pop();
    const before = tokens[i - 1]?.text;
    token.key =
      token.kind === "name" &&
      inside.at(-1) === "{" &&
      (before === "{" || before === ",") &&
      tokens[i + 1]?.text === "=";
  }
}

/** The tokens as Lua again. */
export function textOf(tokens: Token[]): string {
  let text = "";
  for (const token of tokens) {
    // Words need a space between them; so do a number and what follows, and signs that would run together.
    const gap = /\w$/.test(text)
      ? /^[\w.]/.test(token.text)
      : /[-.=<>~/:]$/.test(text) && /^[-.=<>~/:\d]/.test(token.text);
    const dot = token.text === "." || text.endsWith(".");
    text += gap && !(dot && !/\d\.?$/.test(text)) ? ` ${token.text}` : token.text;
  }
  return text;
}
