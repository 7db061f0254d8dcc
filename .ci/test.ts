// npm test, npm run test:images, npm run test:integration, npm run soak: runs one suite with vitest.
// Options: --suite NAME, --long (the long seeded form of property and soak tests); --only NAME (one soak); --port TTY [--kind monitoring|floor]
// runs the scenarios that need no simulated physics on the board at a serial port; the rest goes to vitest.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const suites: Record<string, string> = {
  unit: "vitest.config.ts",
  images: ".ci/vitest.images.config.ts",
  integration: ".ci/vitest.integration.config.ts",
  soak: ".ci/vitest.soak.config.ts",
};

const args = process.argv.slice(2);
let suite = "unit";
let long = false;
let only: string | undefined;
const rest: string[] = [];
const board: Record<string, string> = {};
for (let i = 0; i < args.length; i += 1) {
  if (args[i] === "--suite") suite = args[++i] ?? "";
  else if (args[i] === "--long") long = true;
  else if (args[i] === "--only") only = args[++i] ?? "";
  else if (args[i] === "--port") board["MLTB_PORT"] = args[++i] ?? "";
  else if (args[i] === "--kind") board["MLTB_KIND"] = args[++i] ?? "";
  else rest.push(args[i] as string);
}
const config = suites[suite];
if (config === undefined) {
  console.error(`error: no suite ${suite}; there are ${Object.keys(suites).join(", ")}`);
  process.exit(2);
}
if (board["MLTB_PORT"] !== undefined) rest.push("simulators/test/real-board.image.test.ts");
const root = fileURLToPath(new URL("..", import.meta.url));
const vitest = fileURLToPath(new URL("../node_modules/vitest/vitest.mjs", import.meta.url));
const script = suite === "unit" ? "npm test" : suite === "soak" ? "npm run soak" : `npm run test:${suite}`;
// Each soak is a whole by itself.
const part = only === undefined ? "" : ` --only ${only}`;
const file = only === undefined ? `long-${suite}` : `long-${suite}-${only}`;
const longForm = {
  MLTB_LONG: "1",
  // A part of a suite proves nothing about the whole: it leaves no result file.
  ...(rest.length === 0 ? { MLTB_LONG_RESULT: `${script} -- --long${part}|${file}` } : {}),
};
if (only !== undefined) rest.push(`${only}.soak.test.ts`);
const run = spawnSync(process.execPath, [vitest, "run", "-c", config, ...rest], {
  cwd: root,
  stdio: "inherit",
  env: { ...process.env, ...board, ...(suite === "soak" ? { MLTB_SOAK: "1" } : {}), ...(long ? longForm : {}) },
});
process.exitCode = run.status ?? 1;
