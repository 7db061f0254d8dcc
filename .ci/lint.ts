// npm run lint: formatter and lint rules, types, import directions, file sizes, dead code.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const bin = (name: string): string => join(root, "node_modules", ".bin", name);
let failed = 0;

function check(title: string, command: string, args: string[]): void {
  const run = spawnSync(command, args, { cwd: root, encoding: "utf8" });
  report(title, run.status === 0, `${run.stdout}${run.stderr}`);
}

function report(title: string, ok: boolean, detail: string): void {
  console.log(`${ok ? "  ok" : "FAIL"} ${title}`);
  if (!ok) {
    failed += 1;
    console.log(detail.trimEnd());
  }
}

/** Hand-written sources above 500 lines fail; generated files, vectors and fixtures do not count. */
function fileSizes(): void {
  const files = execFileSync("git", ["ls-files", "*.ts", "*.mjs", "*.c", "*.h", "*.S"], { cwd: root, encoding: "utf8" })
    .split("\n")
    .filter(
      (file) => file !== "" && !/(^|\/)(generated|vectors|fixtures)\//.test(file) && existsSync(join(root, file)),
    );
  const counts = files.map((file) => ({ file, lines: readFileSync(join(root, file), "utf8").split("\n").length }));
  const sorted = counts.map((entry) => entry.lines).sort((a, b) => a - b);
  const p90 = sorted[Math.floor(sorted.length * 0.9)] ?? 0;
  const large = counts.filter((entry) => entry.lines > 500);
  report(
    `file sizes (${counts.length} files, median ${sorted[sorted.length >> 1]}, p90 ${p90} lines)`,
    large.length === 0 && p90 <= 300,
    large.map((entry) => `${entry.file}: ${entry.lines} lines, 500 at most`).join("\n"),
  );
}

check("format and lint rules", bin("biome"), ["check", "."]);
check("types", bin("tsc"), ["-p", "tsconfig.json"]);
check("import directions and one file per third-party package", process.execPath, [join(root, ".ci", "imports.ts")]);
check("dead code and unused dependencies", bin("knip"), ["--no-progress", "--no-config-hints"]);
fileSizes();
console.log(failed === 0 ? "lint passed" : `lint failed: ${failed} of the checks`);
process.exitCode = failed === 0 ? 0 : 1;
