import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunDocument } from "@mltb/bench";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Ended, example, type Running, run, start } from "./mltb.ts";
import { askControl } from "./power-commands.ts";

const folder = mkdtempSync(join(tmpdir(), "mltb-run-end-"));
const socket = join(folder, "control");
const at = ["--state", join(folder, "state")];
const measure = "0/measure/local-cpu/m";
let bay: Running;

beforeAll(async () => {
  const free = ["--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--sim-control", socket, "--json"];
  bay = await start("up", "--bay", example("demo-bay.yml"), ...at, ...free);
});
afterAll(async () => {
  await bay.end();
  rmSync(folder, { recursive: true, force: true });
});

interface Shown {
  run_id: string;
  nodes: { node: string; phase: string | null }[];
}

const list = async (): Promise<Shown[]> => JSON.parse((await run("experiment", "list", ...at, "--json")).out).runs;
const show = async (id: string): Promise<Shown> =>
  JSON.parse((await run("experiment", "show", id, ...at, "--json")).out);

/** A run under way on the bay, with its id. */
async function begin(): Promise<{ id: string; ended: Promise<Ended> }> {
  const known = (await list()).map(({ run_id }) => run_id);
  const sets = ["targets=[local-cpu]", "models=[{name: m, generate: ds-cnn-kws}]", "measure={windows: 3, window_s: 2}"];
  const given = sets.flatMap((set) => ["--set", set]);
  const ended = run("run", example("quickstart.yml"), ...given, ...at, "--out", join(folder, "results"), "--json");
  for (;;) {
    const id = (await list()).find(({ run_id }) => !known.includes(run_id))?.run_id;
    if (id !== undefined) return { id, ended };
  }
}

/** What a run leaves for those who were not there. */
function left({ out }: Ended): { document: RunDocument; stored: RunDocument; report: string } {
  const document = JSON.parse(out) as RunDocument;
  const read = (name: string): string => readFileSync(join(document.folder, name), "utf8");
  return { document, stored: JSON.parse(read("result.json")), report: read("report.html") };
}

test("a run whose board is not proved off exits with 4, and its document and report name the board and why", async () => {
  const { id, ended } = await begin();
  const measuring = async (): Promise<boolean> =>
    (await show(id)).nodes.some(({ node, phase }) => node === measure && phase === "start");
  while (!(await measuring())) await new Promise((resolve) => setTimeout(resolve, 50));
  await askControl(socket, { fault: "stuck-on", target: "local-cpu" });
  const done = await ended;
  const { document, stored, report } = left(done);
  expect(done.code, done.err).toBe(4);
  expect(document).toMatchObject({
    not_safe: [{ target: "local-cpu", reason: expect.stringMatching(/off/) }],
    cancelled: null,
    results: [{ target: "local-cpu" }],
  });
  expect(stored).toEqual(document);
  expect(report).toContain("<strong>local-cpu was not proved off.</strong>");
  const told = await run("results", "show", id, "--results", join(folder, "results"));
  expect(told.out).toContain("NOT PROVED OFF: local-cpu: ");
  rmSync(join(document.folder, "result.json"));
  const again = await run("experiment", "resume", id, ...at, "--json");
  expect([again.code, JSON.parse(again.out).not_safe], again.err).toEqual([4, document.not_safe]);
  await askControl(socket, { fault: "none", target: "local-cpu" });
  await run("faults", "local-cpu", "--rearm", ...at);
}, 300_000);

test("a run that somebody cancels before anything was measured is not done, and says who ended it and why", async () => {
  const { id, ended } = await begin();
  expect((await run("experiment", "hold", id, measure, "--reason", "look", ...at)).code).toBe(0);
  const words = ["--reason", "wrong model", "--author", "ann"];
  expect((await run("experiment", "cancel", id, ...words, ...at)).code).toBe(0);
  const done = await ended;
  const { document, stored, report } = left(done);
  expect(done.code, done.err).toBe(1);
  expect(document).toMatchObject({ not_safe: [], cancelled: { reason: "wrong model", author: "ann" } });
  // On a busy machine the hold may come when the measurement has begun; measured was nothing even then.
  const measured = (document.results as { latency_us: unknown }[]).filter(({ latency_us }) => latency_us !== null);
  expect(measured).toEqual([]);
  expect(stored).toEqual(document);
  expect(report).toContain("Cancelled by ann: wrong model.");
}, 300_000);
