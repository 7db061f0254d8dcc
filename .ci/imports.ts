// Import directions (dependency-cruiser with .ci/dependency-cruiser.cjs), and the rule that a third-party package is
// imported in exactly one file of each of our packages (tests and build tools aside).
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { cruise, type ICruiseResult } from "dependency-cruiser";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
const config = createRequire(import.meta.url)("./dependency-cruiser.cjs");
const { output } = await cruise(["protocol", "hardware", "firmware", "simulators", "host", "agents"], {
  ...config.options,
  validate: true,
  ruleSet: { forbidden: config.forbidden },
});
const result = output as ICruiseResult;
const faults = result.summary.violations.map((v) => `${v.from} -> ${v.to}: ${v.rule.name}`);

/** The package folder of a source file, such as `host/bench`. */
function packageOf(file: string): string {
  const parts = file.split("/");
  return ["host", "agents"].includes(parts[0] ?? "") ? parts.slice(0, 2).join("/") : (parts[0] ?? "");
}

const users = new Map<string, Set<string>>();
for (const module of result.modules) {
  if (/\.test\.ts$|\/test\/|\/build\/|\/gen\/|\.config\.ts$|\.d\.ts$/.test(module.source)) continue;
  for (const dependency of module.dependencies) {
    const npm = dependency.dependencyTypes.some((type) => type.startsWith("npm"));
    const own = dependency.module.startsWith("@mltb/") || dependency.module.startsWith("#");
    if (!npm || own || module.source.includes("node_modules")) continue;
    const name = dependency.module
      .split("/")
      .slice(0, dependency.module.startsWith("@") ? 2 : 1)
      .join("/");
    const key = `${packageOf(module.source)} imports ${name}`;
    users.set(key, (users.get(key) ?? new Set()).add(module.source));
  }
}
for (const [key, files] of users) {
  if (files.size > 1) faults.push(`${key} in ${files.size} files, one is allowed: ${[...files].join(", ")}`);
}
console.log(`${result.modules.length} modules, ${users.size} package uses`);
for (const fault of faults) console.error(fault);
process.exitCode = faults.length === 0 ? 0 : 1;
