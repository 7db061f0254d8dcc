import type { Token } from "./lua-tokens.ts";
import { type Names, type Statement, spoken } from "./pack-fields.ts";

/** Length of the path `a.b.c` that begins at `from`. */
function pathLength(tokens: Token[], from: number): number {
  let length = 1;
  while (tokens[from + length]?.text === "." && tokens[from + length + 1]?.field) length += 2;
  return length;
}

const sign = (text: string, field = false): Token => ({ kind: field ? "name" : "sign", text, key: false, field });

/**
 * The transpiler writes `a.b.c += 1` with the object and the name of the field in locals of their own; as a plain path it
 * is half as long. The path has no call in it, so that it may be evaluated twice.
 */
export function plainSums(statements: Statement[]): void {
  for (const { tokens } of statements) {
    for (let i = 0; i < tokens.length; i += 1) {
      if (tokens[i]?.text !== "local" || tokens[i + 2]?.text !== "," || tokens[i + 4]?.text !== "=") continue;
      const [object, name] = [tokens[i + 1] as Token, tokens[i + 3] as Token];
      const size = pathLength(tokens, i + 5);
      const path = tokens.slice(i + 5, i + 5 + size);
      const field = tokens[i + 6 + size] as Token;
      const begin = i + 7 + size;
      const wanted = [object, sign("["), name, sign("]"), sign("="), object, sign("["), name, sign("]")];
      if (tokens[i + 5 + size]?.text !== "," || field.kind !== "string") continue;
      if (wanted.some(({ text }, n) => tokens[begin + n]?.text !== text)) continue;
      const place = (): Token[] => [
        ...path.map((token) => ({ ...token })),
        sign("."),
        sign(field.text.slice(1, -1), true),
      ];
      tokens.splice(i, begin + wanted.length - i, ...place(), sign("="), ...place());
    }
  }
}

/** Leaves out sums into fields that nobody reads: `a.n = a.n + 1` where that is all that is ever done with `n`. */
export function dropUnreadSums(statements: Statement[], names: Names): void {
  const stay = spoken(statements, names);
  const uses = new Map<string, number>();
  const sums: { statement: Statement; from: number; to: number; name: string }[] = [];
  for (const statement of statements) {
    const { tokens } = statement;
    for (let i = 0; i < tokens.length; i += 1) {
      const token = tokens[i] as Token;
      if (token.field) uses.set(token.text, (uses.get(token.text) ?? 0) + 1);
      if (token.kind !== "name" || token.field || token.key) continue;
      const size = pathLength(tokens, i);
      const name = tokens[i + size - 1] as Token;
      if (size < 3 || stay.has(name.text) || tokens[i + size]?.text !== "=") continue;
      const same = tokens.slice(i, i + size).every(({ text }, n) => tokens[i + size + 1 + n]?.text === text);
      const end = i + 2 * size + 3;
      const simple = tokens[end - 2]?.text === "+" && ["name", "number"].includes(tokens[end - 1]?.kind ?? "");
      const over = !["(", ".", "[", "+", "-", "*"].includes(tokens[end]?.text ?? "");
      if (same && simple && over) sums.push({ statement, from: i, to: end, name: name.text });
    }
  }
  const count = new Map<string, number>();
  for (const { name } of sums) count.set(name, (count.get(name) ?? 0) + 2);
  for (const { statement, from, to, name } of sums.reverse()) {
    if (count.get(name) === uses.get(name)) statement.tokens.splice(from, to - from);
  }
}
