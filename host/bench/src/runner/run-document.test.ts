import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Bay } from "@mltb/contract";
import { afterAll, expect, test } from "vitest";
import type { Experiment } from "../configurator/types.ts";
import { SqliteJournal } from "../orchestrator/sqlite-journal.ts";
import { readRun } from "../results/library.ts";
import type { RunPorts } from "./boards.ts";
import { Life, ModelledBay } from "./modelled-bay.ts";
import { runWith } from "./run.ts";
import { documentOf, hasDocument } from "./run-document.ts";

const folder = mkdtempSync(join(tmpdir(), "mltb-run-document-"));
const journal = new SqliteJournal(join(folder, "experiments.sqlite"));
afterAll(() => {
  journal.close();
  rmSync(folder, { recursive: true, force: true });
});

const inputs = join(folder, "inputs.bin");
const labels = join(folder, "labels.csv");
const target = { target: "a", channel: 1, agent: { runtime: "ort" } };
const board = { name: "monitor", kind: "monitoring", link: "/dev/ttyACM0" };
const experiment: Experiment = {
  name: "written",
  file: "written.yml",
  bayFile: "bay.yml",
  bay: { bay: "modelled", racks: [{ rack: "rack", board, targets: [target] }] } as unknown as Bay,
  targets: ["a"],
  models: [
    { name: "first", generate: "ds-cnn-kws" },
    { name: "second", generate: "ds-cnn-kws" },
  ],
  dataset: {
    inputs: { file: inputs, dtype: "int8", shape: [49, 10] },
    labels: { file: labels, column: "class" },
    preprocess: [],
    metric: "top1",
  },
  measure: { scenario: "single-stream", warmup: 0, windows: 1, window_s: 1, seed: 1 } as Experiment["measure"],
};

function data(): void {
  writeFileSync(inputs, new Uint8Array(980));
  writeFileSync(labels, "class\n0\n1\n");
}

/** A bay whose board measures in no time. `measured` comes after each measurement, `off` before the board is switched off. */
function ports(hooks: { measured?: () => void; off?: () => void }): RunPorts {
  const bay = new ModelledBay();
  bay.boards.set("a", { power: "off", policy: "off", stuck: false, lease: undefined });
  const made = new Life(bay, 0, () => false).ports();
  const { power } = made.bay;
  made.bay.power = (name, state, lease, key) => {
    if (state === "off") hooks.off?.();
    return power(name, state, lease, key);
  };
  const { agent } = made;
  made.agent = (address) => {
    const api = agent(address);
    return { ...api, measure: (...args) => api.measure(...args).finally(() => hooks.measured?.()) };
  };
  return made;
}

const run = (out: string, hooks: Parameters<typeof ports>[0], notes: string[] = []) =>
  runWith(ports(hooks), {
    ...{ experiments: [experiment], outDir: join(folder, out), journal },
    onProgress: ({ text }) => notes.push(text),
  });

test.each([
  ["is taken away", () => rmSync(inputs), /ENOENT.*inputs\.bin/],
  [
    "is changed",
    () => writeFileSync(inputs, new Uint8Array(980).fill(1)),
    /inputs\.bin.* no longer what the run began/,
  ],
])(
  "where the data of a run %s while it runs, what was measured before stays and the rest says why",
  async (how, change, why) => {
    data();
    const { results } = await run(how, { measured: change });
    expect(results.map(({ latency_us: latency }) => latency?.n)).toEqual([100, undefined]);
    expect(results[1]).toMatchObject({ verdict: "invalid", reasons: [expect.stringMatching(why)] });
    const hashes = results.map(({ fingerprint }) => fingerprint.fields["dataset"]);
    expect(hashes).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/), hashes[0]]);
  },
);

test("data that cannot be read when the run begins is none in the fingerprint, and nothing is measured with it later", async () => {
  data();
  rmSync(labels);
  const { results } = await run("without", { measured: () => expect.unreachable("no labels, no measurement") });
  expect(results.map(({ fingerprint }) => fingerprint.fields["dataset"])).toEqual([null, null]);
  expect(results[0]?.reasons.join()).toMatch(/ENOENT.*labels\.csv/);
});

test("a run whose document could not be written is written from its journal, as often as that is asked for", async () => {
  data();
  const out = join(folder, "full");
  const path = (...parts: string[]): string => join(out, readdirSync(out)[0] as string, ...parts);
  // A folder in the place of the document stands for a disk that takes no more.
  const notes: string[] = [];
  const ended = run("full", { off: () => mkdirSync(path("result.json", "x"), { recursive: true }) }, notes);
  await expect(ended).rejects.toThrow(/result\.json/);
  rmSync(path("result.json"), { recursive: true });
  expect(readdirSync(path()).filter((name) => /result|report/.test(name))).toEqual([]);
  const row = journal.runs().find((entry) => entry.folder === path());
  if (row === undefined) throw new Error("the run is not in the journal");
  expect([row.worker_pid, hasDocument(row.folder)]).toEqual([null, false]);
  expect(notes.at(-1)).toContain(`mltb experiment resume ${row.run_id}`);
  const events = await journal.read(row.run_id, 0);
  const experiments = journal.find(row.configuration)?.experiments as Experiment[];
  const head = { ...row, ended_at: "2026-01-01T00:00:00.000Z" };
  expect(() => documentOf(head, experiments, events.slice(0, -1))).toThrow(/is not over/);
  expect(hasDocument(row.folder)).toBe(false);
  const document = documentOf(head, experiments, events);
  expect(document.results.map(({ latency_us: latency }) => latency?.n)).toEqual([100, 100]);
  expect(readRun(row.folder)).toEqual(document);
  // Latencies and traces lie in the folder: without it nothing is made up.
  rmSync(path(), { recursive: true });
  expect(() => documentOf(head, experiments, events)).toThrow(/trace.* is not in /);
});
