import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { buildBundle } from "./bundle.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** What a result was made of. A result file carries it, so that one of other sources is seen. */
export interface Provenance {
  /** Of git; null outside a repository. */
  commit: string | null;
  /** Files beside documents were changed and not committed. */
  changed: boolean;
  /** SHA-256 of the bundles' Lua. */
  monitoring_sha256: string;
  floor_sha256: string;
  /** SHA-256 over the sources: the wire, the C port, and what simulates and tests them. */
  protocol_sha256: string;
  port_sha256: string;
  simulators_sha256: string;
  /** Of the supervisor and the contract that it serves. Results from before 2026-11-28 have none. */
  supervisor_sha256?: string;
}

function hashOf(folders: string[], wanted: (name: string) => boolean): string {
  const hash = createHash("sha256");
  for (const folder of folders) {
    const at = join(root, folder);
    // Packages of the workspace link to each other below node_modules: a walk into those does not end.
    for (const name of globSync("**/*", { cwd: at, exclude: (entry) => entry === "node_modules" }).sort()) {
      if (!wanted(name)) continue;
      hash
        .update(relative(root, join(at, name)))
        .update("\0")
        .update(readFileSync(join(at, name)))
        .update("\0");
    }
  }
  return hash.digest("hex");
}

function git(...args: string[]): string | null {
  const run = spawnSync("git", args, { cwd: root, encoding: "utf8" });
  return run.status === 0 ? run.stdout.trim() : null;
}

/** The provenance of what the working tree builds now. */
export async function provenance(): Promise<Provenance> {
  const changed = (git("status", "--porcelain") ?? "")
    .split("\n")
    .filter((line) => line !== "" && !/ docs\//.test(line));
  return {
    commit: git("rev-parse", "HEAD"),
    changed: changed.length > 0,
    monitoring_sha256: (await buildBundle("monitoring")).sha256,
    floor_sha256: (await buildBundle("floor")).sha256,
    protocol_sha256: hashOf(["protocol/src"], (name) => name.endsWith(".ts") && !name.endsWith(".test.ts")),
    port_sha256: hashOf(["firmware/lua-runtime"], (name) => /\.([chS]|ld)$|^[^.]+\.ts$/.test(name)),
    simulators_sha256: hashOf(["simulators"], (name) => /^(src|fuzz|test)\/.*\.ts$/.test(name)),
    supervisor_sha256: hashOf(
      ["host/supervisor/src", "host/contract/src"],
      (name) => name.endsWith(".ts") && !name.endsWith(".test.ts"),
    ),
  };
}

/** The hashes that a result depends on; what simulates may be tidied without running hours of tests again. */
const judged = ["monitoring_sha256", "floor_sha256", "protocol_sha256", "port_sha256"] as const;

/** What a result was made of that is another today; a result without provenance is of nothing that is known. */
export function differing(of: Partial<Provenance> | undefined, today: Provenance): string[] {
  return judged.filter((name) => of?.[name] !== today[name]);
}

/** The same for a soak, which shows what the supervisor does. */
export function soakDiffering(of: Partial<Provenance> | undefined, today: Provenance): string[] {
  return [...judged, "supervisor_sha256" as const].filter((name) => of?.[name] !== today[name]);
}
