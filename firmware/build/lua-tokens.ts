/** A word, number, string or sign of Lua. */
export interface Token {
  kind: "name" | "number" | "string" | "sign";
  text: string;
  /** A name that is the key of an entry in a table constructor. */
  key: boolean;
  /** A name after a dot: a field. */
  field: boolean;
  /** Line of the transpiler's output, from 1; signs that the packer adds have none. */
  line?: number;
}

const PATTERN =
  /\n|--[^\n]*|"(?:\\.|[^"\\])*"|[A-Za-z_]\w*|0x[0-9a-fA-F]+|\d+(?:\.\d+)?(?:e[+-]?\d+)?|\.\.\.|\.\.|::|\/\/|==|~=|<=|>=|<<|>>|\S/g;

/**
 * Splits Lua as the transpiler writes it: no long brackets, strings in double quotes, comments to the end of a line.
 *
 * @param first line of the source's first line, where its lines matter
 */
export function tokensOf(source: string, first?: number): Token[] {
  const tokens: Token[] = [];
  let line = first;
  for (const [text] of source.matchAll(PATTERN)) {
    if (text === "\n" && line !== undefined) line += 1;
    if (text === "\n" || text.startsWith("--")) continue;
    const first = text.charAt(0);
    const kind = /[A-Za-z_]/.test(first) ? "name" : /\d/.test(first) ? "number" : first === '"' ? "string" : "sign";
    const field = kind === "name" && tokens.at(-1)?.text === ".";
    tokens.push({ kind, text, key: false, field, ...(line === undefined ? {} : { line }) });
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

/**
 * The tokens as Lua again, with a new line where the transpiler's output had one, so that errors name it.
 *
 * @returns the text, and for each of its lines the line of the transpiler's output; 0 where the packer added it
 */
export function textOf(tokens: Token[]): { text: string; lines: number[] } {
  const lines: number[] = [];
  let text = "";
  let row = "";
  let from = 0;
  const end = (): void => {
    text += `${row}\n`;
    lines.push(from);
    row = "";
  };
  for (const token of tokens) {
    if (token.line !== undefined && token.line !== from) {
      if (row !== "") end();
      from = token.line;
    }
    // Words need a space between them; so do a number and what follows, and signs that would run together.
    const gap = /\w$/.test(row)
      ? /^[\w.]/.test(token.text)
      : /[-.=<>~/:]$/.test(row) && /^[-.=<>~/:\d]/.test(token.text);
    const dot = token.text === "." || row.endsWith(".");
    row += gap && !(dot && !/\d\.?$/.test(row)) ? ` ${token.text}` : token.text;
  }
  if (row !== "") end();
  return { text, lines };
}
