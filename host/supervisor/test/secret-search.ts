import { createPrivateKey } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { gunzipSync } from "node:zlib";

/**
 * How a secret may stand somewhere, as texts of one character a byte: as it is, in hex, and in base64 and base64url behind
 * whatever came before it, such as `user:` of a password of HTTP Basic.
 */
export function formsOf(secret: Buffer): string[] {
  const forms = [secret.toString("latin1"), secret.toString("hex")];
  for (const before of [0, 1, 2]) {
    const bytes = Buffer.concat([Buffer.alloc(before), secret]);
    // Characters at either end hold bits of a neighbour.
    const from = before === 0 ? 0 : before + 1;
    const text = bytes.toString("base64url");
    const base64url = text.slice(from, bytes.length % 3 === 0 ? undefined : -1);
    forms.push(base64url, base64url.replaceAll("-", "+").replaceAll("_", "/"));
  }
  return [...new Set(forms)];
}

/** What is secret of a private key in PEM: each line as it stands, and the number itself. */
export function formsOfKey(pem: string): string[] {
  const { d } = createPrivateKey(pem).export({ format: "jwk" });
  const lines = pem.split("\n").filter((line) => line.length > 30 && !line.startsWith("-"));
  return [...lines, ...formsOf(Buffer.from(d as string, "base64url"))];
}

/** Bytes as they are, and what they hold under gzip. */
function unpacked(bytes: Buffer): string[] {
  const packed = bytes[0] === 0x1f && bytes[1] === 0x8b;
  return [bytes.toString("latin1"), ...(packed ? [gunzipSync(bytes).toString("latin1")] : [])];
}

/** Every value of every row: in the file a long one lies in pieces. */
function valuesOf(file: string): string[] {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const tables = database.prepare("select name from sqlite_master where type = 'table'").all();
    const rows = tables.flatMap(({ name }) => database.prepare(`select * from "${name}"`).all());
    const values = rows.flatMap((row) => Object.values(row));
    return values.flatMap((value) => (value instanceof Uint8Array ? unpacked(Buffer.from(value)) : [String(value)]));
  } finally {
    database.close();
  }
}

/** The bytes of a link's trace, each direction in one piece. */
function wireOf(text: string): string[] {
  const pieces = text.split("\n").flatMap((line) => {
    const { direction, bytes } = JSON.parse(line || "{}") as { direction?: string; bytes?: string };
    return bytes === undefined ? [] : [{ direction, bytes: Buffer.from(bytes, "base64") }];
  });
  return ["rx", "tx"].map((way) =>
    Buffer.concat(pieces.filter(({ direction }) => direction === way).map(({ bytes }) => bytes)).toString("latin1"),
  );
}

/**
 * Files below a folder in which one of these texts stands, by the names of the texts: also under gzip, in the rows of a
 * database and in the bytes of a link's trace.
 */
export function search(folder: string, texts: Record<string, string[]>): Record<string, string[]> {
  const found: Record<string, string[]> = Object.fromEntries(Object.keys(texts).map((name) => [name, []]));
  for (const name of (readdirSync(folder, { recursive: true }) as string[]).sort()) {
    const file = join(folder, name);
    if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) continue;
    const bytes = readFileSync(file);
    const contents = unpacked(bytes);
    if (bytes.toString("latin1", 0, 15) === "SQLite format 3") contents.push(...valuesOf(file));
    if (bytes.toString("latin1", 0, 26) === '{"schema":"mltb.trace/1","') contents.push(...wireOf(bytes.toString()));
    for (const [of, forms] of Object.entries(texts)) {
      if (contents.some((content) => forms.some((form) => content.includes(form)))) found[of]?.push(name);
    }
  }
  return found;
}
