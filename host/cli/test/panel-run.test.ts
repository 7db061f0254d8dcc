import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Bay } from "@mltb/contract";
import { afterAll, expect, test } from "vitest";
import { createPanelRuns } from "../src/bay/panel-runs.ts";
import { example, run, start } from "./mltb.ts";

const folder = mkdtempSync(join(tmpdir(), "mltb-panel-run-"));
const socket = join(folder, "control");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function control(request: object): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const connection = createConnection(socket);
    connection.on("error", reject);
    connection.once("data", (chunk) => {
      connection.end();
      resolve(JSON.parse(String(chunk)));
    });
    connection.write(`${JSON.stringify(request)}\n`);
  });
}

async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  for (let i = 0; i < 400; i += 1) {
    const seen = await look();
    if (seen !== undefined) return seen;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${what} did not come`);
}

const bound = (binding: string): string =>
  readFileSync(example("demo-bay.yml"), "utf8").replace("  - rack: rack1\n", `  - rack: rack1\n    ${binding}\n`);

test("a press that the bay file binds starts its experiment, which the panel shows with its end; others start nothing", async () => {
  const bay = join(folder, "bay.yml");
  const state = join(folder, "state");
  writeFileSync(bay, bound("buttons: { up-long: { run: pressed.yml } }"));
  writeFileSync(
    join(folder, "pressed.yml"),
    "experiment: pressed\nbay: bay.yml\ntargets: [local-cpu]\nmodels: [{ name: m, generate: ds-cnn-kws }]\n" +
      "measure: { windows: 1, window_s: 0.2, warmup: 1 }\n",
  );
  const where = ["--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--state", state, "--sim-control", socket];
  const up = await start("up", "--bay", bay, ...where, "--json");
  try {
    const note = async (text: string): Promise<true | undefined> => {
      const { lines } = (await control({ get: "lcd", rack: "rack1" })) as { lines: string[] };
      return lines.join("\n").includes(text) ? true : undefined;
    };
    await control({ press: "down", rack: "rack1", ms: 1500 });
    await control({ press: "up", rack: "rack1", ms: 1500 });
    await until("the note of the run", () => note("runs pressed"));
    await until("the note of its end", () => note("pressed: "));
    const { out } = await run("experiment", "list", "--state", state, "--json");
    const { runs } = JSON.parse(out) as { runs: { experiment: string; status: string }[] };
    expect(runs.map(({ experiment, status }) => [experiment, status])).toEqual([["pressed", "ended"]]);
  } finally {
    expect(await up.end()).toBe(0);
  }
});

test("a binding to a file that is not there is a fault of the bay file, at its place", async () => {
  const bay = join(folder, "wrong.yml");
  writeFileSync(bay, bound("buttons: { up-long: { run: nowhere.yml } }"));
  const { code, err } = await run("check", bay);
  expect(code).toBe(2);
  expect(err).toMatch(new RegExp(`${bay}:\\d+:\\d+: error: .*nowhere.yml not found`));
});

test("a name that is too long is cut with a mark, so that the display always says what the run does and how it ended", async () => {
  const program = join(folder, "ends.mjs");
  // Stands for the command line: it ends as the file's name says.
  writeFileSync(
    program,
    'const [, , , file] = process.argv; if (file.includes("fails")) process.exit(130);\n' +
      'if (file.includes("killed")) process.kill(process.pid, "SIGKILL");\n',
  );
  const runs = {
    "up-long": "static-quantization.yml",
    "down-long": "fails-with-a-long-name.yml",
    "up-short": "killed-with-a-long-name.yml",
    "down-short": "naïve-but-short.yml",
  };
  const buttons = Object.fromEntries(Object.entries(runs).map(([key, run]) => [key, { run }]));
  const notes: string[] = [];
  const panel = createPanelRuns({
    bay: { racks: [{ rack: "rack1", buttons }] } as unknown as Bay,
    mltb: program,
    stateDir: folder,
    note: async (_rack, text) => void notes.push(text),
    log: () => undefined,
  });
  for (const key of Object.keys(runs)) {
    const seen = notes.length;
    panel.pressed("rack1", ...(key.split("-") as [string, string]));
    await until("the end of the run", async () => (notes.length === seen + 2 ? true : undefined));
  }
  expect(notes).toEqual([
    "runs static-quantiz~",
    "static-quanti~: done",
    "runs fails-with-a-l~",
    "fails-wit~: exit 130",
    "runs killed-with-a-~",
    "killed-wit~: SIGKILL",
    "runs na?ve-but-short",
    "na?ve-but-sho~: done",
  ]);
  for (const text of notes) expect(text.length).toBeLessThanOrEqual(20);
});
