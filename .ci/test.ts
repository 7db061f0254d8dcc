// npm test, npm run test:images, npm run test:integration, npm run soak: runs one suite with vitest.
// Options: --suite NAME, --long (the long seeded form of property and soak tests); --only NAME (one soak); --port TTY [--kind monitoring|floor]
// runs the scenarios that need no simulated physics on the board at a serial port; the rest goes to vitest.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const suites: Record<string, string> = {
  unit: "vitest.config.ts",
  images: ".ci/vitest.images.config.ts",
  integration: ".ci/vitest.integration.config.ts",
  soak: ".ci/vitest.soak.config.ts",
};

const HELP = `options, before what goes to vitest (files, -t NAME, ...):
  --long             the long, seeded form; whole, it writes its result file to docs/results/
  --only NAME        one soak (npm run soak)
  --port TTY         the scenarios on the board at a serial port (npm run test:images)
  --kind KIND        of that board: monitoring (default) or floor
  --help             this text`;

/** INTERFACES section 2: wrong usage exits 2. */
function usage(text: string): never {
  console.error(`error: ${text}\n${HELP}`);
  process.exit(2);
}

const args = process.argv.slice(2);
if (args.includes("--help") || args.includes("-h")) {
  console.log(HELP);
  process.exit(0);
}
let suite = "unit";
let long = false;
let only: string | undefined;
const rest: string[] = [];
const board: Record<string, string> = {};
for (let i = 0; i < args.length; i += 1) {
  const name = args[i] as string;
  const value = (): string => args[++i] ?? usage(`${name} wants a value`);
  if (name === "--suite") suite = value();
  else if (name === "--long") long = true;
  else if (name === "--only") only = value();
  else if (name === "--port") board["MLTB_PORT"] = value();
  else if (name === "--kind") board["MLTB_KIND"] = value();
  else rest.push(name);
}
const config = suites[suite];
if (config === undefined) usage(`no suite ${suite}; there are ${Object.keys(suites).join(", ")}`);
const { MLTB_PORT: port, MLTB_KIND: kind = "monitoring" } = board;
if (kind !== "monitoring" && kind !== "floor") usage(`no kind ${kind}; there are monitoring, floor`);
// 4: something outside is out of reach.
if (port !== undefined && !existsSync(port)) {
  console.error(
    `error: no serial port ${port}: is the board plugged in? \`ls /dev/serial/by-id\` names those that are`,
  );
  process.exit(4);
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
if (only !== undefined) rest.push(`/${only}.soak.test.ts`);
const run = spawnSync(process.execPath, [vitest, "run", "-c", config, ...rest], {
  cwd: root,
  stdio: "inherit",
  env: { ...process.env, ...board, ...(suite === "soak" ? { MLTB_SOAK: "1" } : {}), ...(long ? longForm : {}) },
});
process.exitCode = run.status ?? 1;
