import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { ImageBuildError } from "./errors.ts";

const run = promisify(execFile);

/** Upstream archive that Debian 12's source package carries; Debian's patches on top are signed through its index. */
const ORIG = "lua5.4_5.4.4.orig.tar.gz";
const ORIG_SHA256 = "164c7849653b80ae67bec4b7473b884bf5cc8d2dca05653475ec2ed27b9ebf61";

/** A private `deb-src` list over the mirrors that the system already uses: nothing under /etc changes, no root needed. */
async function sourceList(): Promise<string> {
  const format = "$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)";
  const { stdout } = await run("apt-get", ["indextargets", "--format", format, "Created-By: Packages"]);
  const lines = new Set(stdout.split("\n").filter((line) => / main Debian$/.test(line)));
  if (lines.size === 0) {
    throw new ImageBuildError(1, "no Debian package index on this machine; run `apt-get update` as root first");
  }
  const signed = "[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]";
  return [...lines].map((line) => `deb-src ${signed} ${line.split(" ").slice(0, 3).join(" ")}\n`).join("");
}

async function download(folder: string): Promise<void> {
  mkdirSync(join(folder, "lists/partial"), { recursive: true });
  mkdirSync(join(folder, "cache/archives/partial"), { recursive: true });
  const list = join(folder, "src.list");
  writeFileSync(list, await sourceList());
  const options = [
    `Dir::Etc::SourceList=${list}`,
    "Dir::Etc::SourceParts=/dev/null",
    `Dir::State::Lists=${join(folder, "lists")}`,
    `Dir::Cache=${join(folder, "cache")}`,
  ].flatMap((option) => ["-o", option]);
  await run("apt-get", [...options, "-qq", "update"], { cwd: folder });
  await run("apt-get", [...options, "-qq", "source", "--download-only", "lua5.4"], { cwd: folder });
}

function verify(folder: string): void {
  const path = join(folder, ORIG);
  if (!existsSync(path)) {
    throw new ImageBuildError(2, `the system's lua5.4 source package is not Debian 12's: ${ORIG} is not in it`);
  }
  const found = createHash("sha256").update(readFileSync(path)).digest("hex");
  if (found !== ORIG_SHA256) {
    throw new ImageBuildError(2, `${ORIG} has SHA-256 ${found}, expected ${ORIG_SHA256}`);
  }
}

/** One edit of a source file: the text must be there exactly once. */
interface Edit {
  file: string;
  find: string;
  put: string;
}

/**
 * Code of functions is executed where it lies in flash, and only its length is read: a third of what the bundle would
 * take of the heap. The compiler pads each code array to a multiple of four bytes, the loader takes its address.
 */
export const CODE_IN_PLACE: Edit[] = [
  {
    file: "ldump.c",
    find: "static void dumpBlock (DumpState *D, const void *b, size_t size) {\n",
    put: "static size_t dumped;\nstatic void dumpBlock (DumpState *D, const void *b, size_t size) {\n  dumped += size;\n",
  },
  {
    file: "ldump.c",
    find: "  dumpVector(D, f->code, f->sizecode);\n",
    put: '  while (dumped % sizeof(Instruction) != 0) dumpBlock(D, "", 1);\n  dumpVector(D, f->code, f->sizecode);\n',
  },
  {
    file: "lundump.c",
    find: `  f->code = luaM_newvectorchecked(S->L, n, Instruction);
  f->sizecode = n;
  loadVector(S, f->code, n);
`,
    put: `  while ((size_t)S->Z->p % sizeof(Instruction) != 0) loadByte(S);
  if (S->Z->n < (size_t)n * sizeof(Instruction)) error(S, "truncated chunk");
  f->code = (Instruction *)(size_t)S->Z->p;
  f->sizecode = n;
  S->Z->p += (size_t)n * sizeof(Instruction);
  S->Z->n -= (size_t)n * sizeof(Instruction);
`,
  },
];

/** Lua 5.4.4 sets the width of its numbers whatever the compiler was told. */
export const NUMBERS_BY_DEFINE: Edit[] = [
  {
    file: "luaconf.h",
    find: "#define LUA_32BITS\t0\n",
    put: "#if !defined(LUA_32BITS)\n#define LUA_32BITS\t0\n#endif\n",
  },
];

/**
 * A stack that the collector shrinks is soon grown again, each time in another place: in a small heap that leaves no gap of
 * its size after a while. Up to STACK_KEPT slots it is left alone.
 */
export const STACK_KEPT: Edit[] = [
  {
    file: "ldo.c",
    find: '  int max = inuse * 3;  /* maximum "reasonable" size */\n',
    put: `#if !defined(STACK_KEPT)
#define STACK_KEPT 0
#endif
  int max = inuse * 3 > STACK_KEPT ? inuse * 3 : STACK_KEPT;
`,
  },
];

/**
 * A value's eight bytes are aligned to four: with its type it then takes twelve bytes instead of sixteen, in the constants of
 * every function, in arrays, upvalues and on the stack. The controllers read eight bytes as two words, or need no
 * more than four for it (ARMv7-M, A3.2.1).
 */
export const VALUES_OF_TWELVE: Edit[] = [
  {
    file: "lobject.h",
    find: "  lua_Number n;    /* float numbers */\n} Value;\n",
    put: "  lua_Number n;    /* float numbers */\n} __attribute__((packed, aligned(4))) Value;\n",
  },
];

/** A copy of the sources with edits. */
export function editedSource(source: string, into: string, edits: Edit[]): string {
  const files = new Map(readdirSync(source).map((name) => [name, readFileSync(join(source, name), "utf8")]));
  for (const { file, find, put } of edits) {
    const text = files.get(file) ?? "";
    if (text.split(find).length !== 2) {
      throw new ImageBuildError(2, `${file} of Debian's sources has changed: an edit does not fit`);
    }
    files.set(
      file,
      text.replace(find, () => put),
    );
  }
  mkdirSync(into, { recursive: true });
  for (const [name, text] of files) writeFileSync(join(into, name), text);
  return into;
}

/**
 * Folder with Lua's C sources, from Debian's source package, patched by Debian. They are fetched and verified once and
 * then kept under `into`.
 */
export async function luaSource(into: string): Promise<string> {
  const source = join(into, "lua5.4", "src");
  if (existsSync(join(source, "lapi.c"))) return source;
  const folder = join(into, `fetch-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  try {
    await download(folder);
    verify(folder);
    const description = readdirSync(folder).find((name) => name.endsWith(".dsc")) as string;
    await run("dpkg-source", ["--no-check", "-x", description, "lua5.4"], { cwd: folder });
    // Debian's path for shared modules, which firmware has not.
    writeFileSync(join(folder, "lua5.4/src/lua5.4-deb-multiarch.h"), "");
    rmSync(join(into, "lua5.4"), { recursive: true, force: true });
    renameSync(join(folder, "lua5.4"), join(into, "lua5.4"));
  } catch (error) {
    if (error instanceof ImageBuildError) throw error;
    const output = (error as { stderr?: string }).stderr?.trim();
    throw new ImageBuildError(1, `Lua's sources could not be fetched from the Debian mirror: ${output || error}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return source;
}
