import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
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
