import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root, run, runtimePath } from "./node-runtime.mjs";

const PNPM = "pnpm@12.21.0";
const stamp = join(root, "node_modules", ".mltb-installed");

/** What is left out by `MLTB_INSTALL=boards`: model runtimes, and what only developers need. */
const kinds = { full: [], boards: ["--prod", "--filter", "!@mltb/agent-inference"] };

/** What is to be installed: as asked for now, else as it was installed before. */
export function installKind() {
  const before = existsSync(stamp) ? readFileSync(stamp, "utf8").split(" ")[3] : undefined;
  const kind = process.env.MLTB_INSTALL || before || "full";
  if (kind in kinds) return kind;
  console.error(`error: MLTB_INSTALL is ${kind}; it may be ${Object.keys(kinds).join(" or ")}`);
  process.exit(2);
}

/** Hash over what decides the installed packages. */
function wanted(kind) {
  const hash = createHash("sha256");
  for (const file of ["pnpm-lock.yaml", "pnpm-workspace.yaml", "package.json"])
    hash.update(readFileSync(join(root, file)));
  return `${hash.digest("hex")} ${process.platform} ${process.arch} ${kind}`;
}

/** Installs the locked dependencies unless they are there. Messages go to standard error. */
export async function ensureInstalled() {
  const major = Number(process.versions.node.split(".")[0]);
  if (major < 20) {
    console.error(`error: Node ${process.versions.node} is too old; install Node 20 or newer`);
    process.exit(2);
  }
  const kind = installKind();
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted(kind)) return;
  const started = Date.now();
  console.error("mltb: installing dependencies (once; about half a minute) ...");
  // The install prints to standard error, so that commands with --json keep standard output for their document.
  const code = await run(
    "npx",
    ["--yes", PNPM, "install", "--frozen-lockfile", ...kinds[kind], "--reporter=append-only"],
    {
      stdio: ["ignore", process.stderr.fd, process.stderr.fd],
      env: { ...process.env, npm_config_loglevel: "error" },
    },
  );
  if (code !== 0) {
    console.error(`error: installing dependencies failed (pnpm ended with ${code}); the lines above say why`);
    process.exit(4);
  }
  if (runtimePath() === undefined) {
    console.error(
      `error: no Node for ${process.platform}-${process.arch} comes with the packages; install Node 22.18 or newer and start again`,
    );
    process.exit(4);
  }
  writeFileSync(stamp, wanted(kind));
  console.error(`mltb: dependencies installed in ${((Date.now() - started) / 1000).toFixed(1)} s`);
}
