import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BayError, NAME, type Role, roles, z } from "@mltb/contract";

/** Who a token belongs to, and what it may do. */
export interface Login {
  user: string;
  role: Role;
}

/** The login of the bay's own token. */
export const OWN_USER = "admin";
const FILE = "tokens.json";
/** A changed file is noticed within this time. */
const LOOK_MS = 250;
const TOKENS = 1000;

const fileSchema = z.strictObject({
  schema: z.literal("mltb.tokens/1"),
  tokens: z
    .array(
      z.strictObject({
        name: z.string().regex(NAME),
        role: z.enum(roles),
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
        created_at: z.string(),
      }),
    )
    .max(TOKENS),
});
type Entry = z.infer<typeof fileSchema>["tokens"][number];

function sha256(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

function fault(path: string, why: string, mend?: string): BayError {
  return new BayError("tokens_unreadable", `${path}: ${why}`, mend);
}

/** Tokens of a state folder. Throws `tokens_unreadable` where the file is damaged or others may read it. */
function readTokens(folder: string): Entry[] {
  const path = join(folder, FILE);
  let text: string;
  try {
    if ((statSync(path).mode & 0o077) !== 0) {
      throw fault(path, "others than its owner may read it", `chmod 600 ${path}`);
    }
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error instanceof BayError ? error : fault(path, (error as Error).message);
  }
  try {
    return fileSchema.parse(JSON.parse(text)).tokens;
  } catch (error) {
    throw fault(path, `damaged: ${(error as Error).message.split("\n")[0]}`, "remove it and add the tokens anew");
  }
}

function writeTokens(folder: string, tokens: Entry[]): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, FILE);
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, `${JSON.stringify({ schema: "mltb.tokens/1", tokens }, null, 1)}\n`, { mode: 0o600 });
  chmodSync(temporary, 0o600);
  renameSync(temporary, path);
}

/** Names, roles and times of the tokens of a state folder; never the tokens themselves, which are not kept. */
export function listTokens(folder: string): { name: string; role: Role; created_at: string }[] {
  return readTokens(folder).map(({ name, role, created_at }) => ({ name, role, created_at }));
}

/** Makes a token; only its hash is kept. Throws `name_taken`, `tokens_unreadable`. */
export function addToken(folder: string, name: string, role: Role): string {
  const tokens = readTokens(folder);
  if (tokens.some((entry) => entry.name === name)) {
    throw new BayError("name_taken", `there is a token ${name} already`, "revoke it first, or take another name");
  }
  const token = randomBytes(32).toString("base64url");
  writeTokens(folder, [...tokens, { name, role, sha256: sha256(token), created_at: new Date().toISOString() }]);
  return token;
}

/** Takes a token back; false where there is none of this name. A bay that is up refuses it within a second. */
export function revokeToken(folder: string, name: string): boolean {
  const tokens = readTokens(folder);
  const left = tokens.filter((entry) => entry.name !== name);
  if (left.length === tokens.length) return false;
  if (left.length === 0) rmSync(join(folder, FILE), { force: true });
  else writeTokens(folder, left);
  return true;
}

/** Tells logins by their tokens: the bay's own, which is an admin's, and those of `tokens.json`. */
export class Tokens {
  private readonly folder: string;
  private readonly onError: (error: Error) => void;
  private readonly own: Buffer;
  private byHash = new Map<string, Login>();
  private looked_ms = 0;
  private stamp = "";

  /** Throws `tokens_unreadable`. Later, a file that has become unreadable gives nobody access, and `onError` is told. */
  constructor(folder: string, own: string, onError: (error: Error) => void) {
    this.folder = folder;
    this.own = Buffer.from(sha256(own), "hex");
    this.onError = onError;
    this.take(readTokens(folder));
    this.stamp = this.stampNow();
    this.looked_ms = performance.now();
  }

  /** The login of a token; undefined where it is none of ours. */
  login(token: string): Login | undefined {
    if (token === "") return undefined;
    this.look();
    // Hashes are compared, so that the time taken tells nothing of a token.
    const hash = sha256(token);
    if (timingSafeEqual(Buffer.from(hash, "hex"), this.own)) return { user: OWN_USER, role: "admin" };
    return this.byHash.get(hash);
  }

  private take(entries: Entry[]): void {
    this.byHash = new Map(entries.map(({ name, role, sha256: hash }) => [hash, { user: name, role }]));
  }

  private stampNow(): string {
    try {
      const { mtimeMs, ino, size, mode } = statSync(join(this.folder, FILE));
      return `${mtimeMs} ${ino} ${size} ${mode}`;
    } catch {
      // No file: only the bay's own token counts.
      return "";
    }
  }

  private look(): void {
    const now = performance.now();
    if (now - this.looked_ms < LOOK_MS) return;
    this.looked_ms = now;
    const stamp = this.stampNow();
    if (stamp === this.stamp) return;
    this.stamp = stamp;
    try {
      this.take(readTokens(this.folder));
    } catch (error) {
      this.take([]);
      this.onError(error as Error);
    }
  }
}
