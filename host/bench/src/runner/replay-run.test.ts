import { createHash } from "node:crypto";
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import type { TargetView } from "@mltb/contract";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { readExperiments } from "../configurator/experiment.ts";
import { SqliteJournal } from "../orchestrator/sqlite-journal.ts";
import { uniform } from "../random.ts";
import { reportOf } from "../report/report.ts";
import { decodeLatencies, encodeLatencies } from "../results/latency-file.ts";
import { listRuns } from "../results/library.ts";
import type { ResultRecord, RunDocument } from "../results/record.ts";
import { isResultsError, type ResultsError } from "../results/results-error.ts";
import type { AgentApi, Measured } from "./agent-client.ts";
import { type RecordingDocument, RunError } from "./bay-api.ts";
import type { RunPorts } from "./boards.ts";
import { modelledRecording } from "./modelled-agent.ts";
import { namedClasses } from "./named-classes.ts";
import type { Reread } from "./recorded.ts";
import { ReferenceModels } from "./reference.ts";
import { type Replay, replayRun } from "./replay-run.ts";
import { runWith } from "./run.ts";

/** The processor of this machine, as it seems. */
const machine = vi.hoisted(() => ({ model: "the processor of the measurement" }));
vi.mock("node:os", async (original) => {
  const os = await original<typeof import("node:os")>();
  return { ...os, cpus: () => os.cpus().map((cpu) => ({ ...cpu, model: machine.model })) };
});

const folder = mkdtempSync(join(tmpdir(), "mltb-replay-"));
const inputs = join(folder, "inputs");
const WINDOWS = 3;
const WINDOW_US = 2_000_000;
let run: RunDocument;

/** What the supervisor says of a rail, and the file that it keeps of it, in a form of this test's own. */
function recordingOf(target: string): { document: RecordingDocument; samples: Uint8Array } {
  const windows = Array.from({ length: WINDOWS }, (_, n) => ({
    ...{ start_tick: n * 3e6, stop_tick: n * 3e6 + WINDOW_US, duration_us: WINDOW_US + n, samples_lost: 0 },
    ...{ energy_uj: 1e6 / 3 + n * 100, mean_power_w: 1 / 6, refused: null },
    terms: [{ term: "gain", standard_uj: 500 / 3, distribution: "rectangular" as const, systematic: true }],
  }));
  const current_a = Array.from({ length: 100 }, (_, i) => 0.1 + (i % 7) / 100);
  const computed = {
    ...{ rate_hz: 1000, samples: { received: 100, lost: 0 }, markers: [{ level: 1, tick_us: 0 }] },
    trace: { first_tick_us: 0, period_us: 1000, current_a, voltage_v: current_a.map(() => 5) },
    windows,
  };
  const document = { ...modelledRecording(target), simulated: ["rail"], ...computed } as RecordingDocument;
  return { document, samples: gzipSync(JSON.stringify(computed)) };
}
const reread: Reread = (file) => JSON.parse(gunzipSync(readFileSync(file)).toString());

function measurement(): Measured {
  const random = uniform(7);
  const windows = Array.from({ length: WINDOWS }, () => {
    const latency_us = Float64Array.from({ length: 200 }, () => 1000 + 100 * random());
    return { inferences: 200, duration_us: WINDOW_US, latency_us, pre_us: random(), inference_us: 1050, post_us: 2 };
  });
  const seen = { governor: "performance", load_1m: 0.1, cores: 4, allowed_cpus: "0", processor: "p" };
  return {
    windows,
    runtime: { name: "modelled", version: "1", threads: 1 },
    ...{ method: "edges", network: "isolated", peak_memory_bytes: 5e7, requests_meanwhile: 0 },
    environment: { before: seen, after: { ...seen, load_1m: 0.9 } },
  };
}

/** An agent whose outputs name the class that is an input's first value, a little off by `error`. */
function agent(target: string, error: number): AgentApi {
  return {
    deploy: async () => undefined,
    inputs: async () => [{ name: "input", datatype: "FP32", shape: [1, 1, 49, 10] }],
    async infer(_model, _inputs, [raw]) {
      const [first = 0] = new Float32Array((raw as Uint8Array).slice().buffer);
      return Float64Array.from({ length: 12 }, (_, i) => (i === first ? 1 : 0) + error / 3);
    },
    async measure() {
      if (target === "local-wasm") throw new RunError("the model's process ended");
      return measurement();
    },
    live: async () => true,
    close: () => undefined,
  };
}

function ports(): RunPorts {
  const power = new Map<string, "on" | "off">();
  const view = (name: string) => ({ power: power.get(name) ?? "off", voltage_v: 5, current_a: 0.1 }) as TargetView;
  return {
    bay: {
      target: async (name) => view(name),
      async power(name, state) {
        power.set(name, state);
        return view(name);
      },
      lease: async () => {
        const lost = new AbortController().signal;
        return { id: "l", lost, release: async () => undefined, drop: () => undefined };
      },
      startRecording: async (name) => name,
      stopRecording: async (id) => recordingOf(id).document,
      samples: async (_id, name) => recordingOf(name).samples,
    },
    agents: {
      wait: async (name) => ({ name, target: name, grpc: name, at: "", gone: new AbortController().signal }),
      close: async () => undefined,
    },
    agent: (name) => agent(name, 1e-3),
    reference: new ReferenceModels(async () => agent("host", 0)),
  };
}

beforeAll(async () => {
  mkdirSync(inputs);
  // Six records whose first value is their class; the last label is wrong.
  writeFileSync(join(inputs, "in.bin"), Buffer.concat([0, 1, 2, 3, 4, 5].map((n) => Buffer.alloc(490, n))));
  writeFileSync(join(inputs, "in.csv"), `class\n0\n1\n2\n3\n4\n9\n`);
  const experiment = {
    experiment: "replay",
    bay: new URL("../../../../examples/demo-bay.yml", import.meta.url).pathname,
    targets: ["local-cpu", "local-wasm"],
    models: [{ name: "m", generate: "ds-cnn-kws" }],
    dataset: {
      inputs: { file: join(inputs, "in.bin"), dtype: "int8", shape: [490] },
      labels: { file: join(inputs, "in.csv"), column: "class" },
      metric: "top1",
    },
    measure: { warmup: 1, windows: WINDOWS, window_s: 2 },
  };
  const file = join(inputs, "experiment.json");
  writeFileSync(file, JSON.stringify(experiment));
  const read = readExperiments(file, [], {});
  if ("faults" in read) throw new Error(read.faults.map((fault) => fault.message).join("\n"));
  const journal = new SqliteJournal(join(folder, "experiments.sqlite"));
  run = await runWith(ports(), { experiments: read.experiments, outDir: folder, journal });
  journal.close();
  // From here on there are neither inputs nor bay nor the machine that measured.
  rmSync(inputs, { recursive: true });
  machine.model = "another processor";
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const bytes = (at: string, name: string): Buffer => readFileSync(join(at, name));
let copies = 0;

/** A copy of the run, changed, and its replay. */
function replayed(change: (at: string) => void): Replay {
  copies += 1;
  const copy = join(folder, `copy-${copies}`);
  cpSync(run.folder, copy, { recursive: true });
  change(copy);
  return replayRun(copy, `${copy}-again`, reread);
}

test("a run is made again of what it recorded: document and report byte for byte, without inputs, models, bay or its machine", () => {
  const [measured, failed] = run.results;
  expect(measured).toMatchObject({
    accuracy: { correct: 5, total: 6 },
    energy_uj_per_inference: { method: "edges" },
    numerical_error: { max_abs: expect.any(Number) },
    verdict: "valid-short",
    fingerprint: { fields: { host_cpu: "the processor of the measurement", dataset: expect.any(String) } },
  });
  expect(measured?.artifacts.map(({ path }) => path.split("-")[0])).toEqual(["trace", "latencies", "samples"]);
  expect(failed).toMatchObject({ verdict: "invalid", reasons: ["the model's process ended"] });
  expect(JSON.parse(bytes(run.folder, "result.json").toString())).toEqual(run);

  const same = replayed(() => undefined);
  expect(same).toMatchObject({ byte_equal: { result: true, report: true }, changed: [], differing: [] });
  expect(same.records.flatMap(({ differing }) => differing)).toEqual([]);

  const bare = replayed((at) => {
    for (const name of ["result.json", "report.html", "models"]) rmSync(join(at, name), { recursive: true });
  });
  expect(bare.byte_equal).toEqual({ result: null, report: null });
  for (const name of ["result.json", "report.html"]) expect(bytes(bare.folder, name)).toEqual(bytes(run.folder, name));
  // What was made is a run once more.
  expect(reportOf(bare.folder)).toBe(bytes(run.folder, "report.html").toString());
  expect(replayRun(bare.folder, join(folder, "twice"), reread).byte_equal).toEqual({ result: true, report: true });
});

test("the classes that a model named are read of what the run recorded, where it recorded any", () => {
  expect(namedClasses(run, 0)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(namedClasses(run, 1)).toBeUndefined();
  expect(namedClasses(run, 9)).toBeUndefined();
  const bare = join(folder, "no-recording");
  cpSync(run.folder, bare, { recursive: true });
  rmSync(join(bare, "recorded.json"));
  expect(namedClasses({ ...run, folder: bare }, 0)).toBeUndefined();
});

/** Changes a document in place, written as it was. */
function edit(name: string, change: (document: never) => void): (at: string) => void {
  return (at) => {
    const text = bytes(at, name).toString();
    const document = JSON.parse(text) as never;
    change(document);
    writeFileSync(
      join(at, name),
      text.includes("\n") ? `${JSON.stringify(document, null, 2)}\n` : JSON.stringify(document),
    );
  };
}

/** Changes the content of an artefact of the first record. */
function repack(kind: string, change: (content: Uint8Array) => Uint8Array): (at: string) => void {
  return (at) => {
    const file = join(at, run.results[0]?.artifacts.find(({ path }) => path.startsWith(kind))?.path ?? "");
    writeFileSync(file, change(readFileSync(file)));
  };
}
const json = (change: (document: RecordingDocument) => void) => (content: Uint8Array) => {
  const document = JSON.parse(gunzipSync(content).toString()) as RecordingDocument;
  change(document);
  return gzipSync(JSON.stringify(document));
};
const firstWindow = ({ windows }: RecordingDocument) => windows[0] as RecordingDocument["windows"][0];

interface Told {
  measurements: {
    host: { cpu: string };
    outcome: {
      failure: string;
      answers: { predicted: number[] };
      numerical: { max_abs: number };
      measured: Measured & { environment: { before: { load_1m: number } } };
    };
  }[];
}
const recorded = (change: (first: Told["measurements"][0], second: Told["measurements"][0]) => void) =>
  edit("recorded.json", ({ measurements: [first, second] }: Told) => {
    if (first !== undefined && second !== undefined) change(first, second);
  });

test.each<[string, (at: string) => void, string[], RegExp | undefined]>([
  [
    "peak memory",
    recorded(({ outcome }) => {
      outcome.measured.peak_memory_bytes = 1;
    }),
    ["memory_bytes.peak"],
    undefined,
  ],
  [
    "load",
    recorded(({ outcome }) => {
      outcome.measured.environment.before.load_1m = 9;
    }),
    ["environment.before.load_1m", "warnings.0"],
    undefined,
  ],
  [
    "a window's count",
    recorded(({ outcome }) => void Object.assign(outcome.measured.windows[1] ?? {}, { inferences: 201 })),
    ["windows.1.inferences", "throughput_per_s"],
    undefined,
  ],
  [
    "an answer",
    recorded(({ outcome }) => {
      outcome.answers.predicted[0] = 7;
    }),
    ["accuracy.correct", "accuracy.value"],
    undefined,
  ],
  [
    "the numerical error",
    recorded(({ outcome }) => {
      outcome.numerical.max_abs = 0;
    }),
    ["numerical_error.max_abs"],
    undefined,
  ],
  [
    "the host",
    recorded(({ host }) => {
      host.cpu = "x";
    }),
    ["fingerprint.hash", "fingerprint.fields.host_cpu"],
    undefined,
  ],
  [
    "why it failed",
    recorded((_, { outcome }) => {
      outcome.failure = "no";
    }),
    ["reasons.0"],
    undefined,
  ],
  [
    "the configuration",
    edit("configuration.json", ([{ measure }]: [{ measure: { window_s: number } }]) => {
      measure.window_s = 3;
    }),
    ["fingerprint.fields.window_s"],
    /^configuration\.json$/,
  ],
  [
    "a latency",
    repack("latencies", (content) => {
      const windows = decodeLatencies(content);
      (windows[2] as Float64Array)[5] = 1e6;
      return encodeLatencies(windows);
    }),
    ["latency_us.max"],
    /^latencies-/,
  ],
  [
    "an energy that the supervisor told",
    repack(
      "trace",
      json((document) => {
        firstWindow(document).energy_uj = 1;
      }),
    ),
    ["recording.windows.0.energy_uj"],
    /^trace-/,
  ],
  [
    "where the energy came from",
    repack(
      "trace",
      json((document) => {
        document.nominal_v = 12;
      }),
    ),
    ["fingerprint.fields.nominal_v"],
    /^trace-/,
  ],
  [
    "the samples",
    repack(
      "samples",
      json((document) => {
        firstWindow(document).energy_uj = 1;
      }),
    ),
    ["windows.0.energy_uj", "energy_uj_per_inference.uncertainty", "recording.windows.0.energy_uj"],
    /^samples-/,
  ],
  [
    "a figure of the result",
    edit("result.json", ({ results }: RunDocument) => void Object.assign(results[0]?.latency_us ?? {}, { p99: 1 })),
    ["latency_us.p99"],
    undefined,
  ],
  [
    "a verdict",
    edit("result.json", ({ results }: RunDocument) => void Object.assign(results[0] ?? {}, { verdict: "valid" })),
    ["verdict"],
    undefined,
  ],
])("what was changed after the measurement is named: %s", (_name, change, fields, file) => {
  const { byte_equal, changed, records } = replayed(change);
  const named = records.flatMap(({ differing }) => differing.map(({ field }) => field));
  expect(named).toEqual(expect.arrayContaining(fields));
  if (file === undefined) expect(changed).toEqual([]);
  else expect(changed).toEqual([expect.stringMatching(file)]);
  // Samples that contradict the supervisor are told although the record follows from the samples alone.
  const supervisorAlone = named.every((field) => field.startsWith("recording."));
  expect(byte_equal.result).toBe(supervisorAlone);
});

test("a changed report, an added record and a document that is none are told; of what is missing nothing is made up", () => {
  const report = replayed((at) => appendFileSync(join(at, "report.html"), " "));
  expect(report.byte_equal).toEqual({ result: true, report: false });
  const more = replayed(edit("result.json", ({ results }: RunDocument) => void results.push(...results)));
  expect(more.differing).toEqual([{ field: "results", stored: 4, computed: 2 }]);
  const none = replayed((at) => writeFileSync(join(at, "result.json"), "{"));
  expect(none.byte_equal).toEqual({ result: false, report: true });
  const moved = replayed(
    edit("result.json", (document: RunDocument) => {
      document.started_at = "2020";
    }),
  );
  expect(moved.differing.map(({ field }) => field)).toEqual(["started_at"]);
  const path = run.results[0]?.artifacts[1]?.path ?? "";
  expect(() => replayed((at) => rmSync(join(at, path)))).toThrow(`${path} is not in `);
  expect(() => replayed((at) => writeFileSync(join(at, path), "no"))).toThrow(/latencies-.* cannot be read: /);
  expect(() => replayed((at) => rmSync(join(at, "recorded.json")))).toThrow("recorded.json: the run was not ended");
  const odd = edit("recorded.json", ({ measurements }: { measurements: { outcome: object }[] }) => {
    for (const measurement of measurements) measurement.outcome = {};
  });
  expect(() => replayed(odd)).toThrow("is not what a run recorded");
  const out = recorded(
    ({ outcome }) =>
      void Object.assign((outcome as never as { artifacts: object[] }).artifacts[0] ?? {}, { path: "../trace-x" }),
  );
  expect(() => replayed(out)).toThrow("is no name of a file in");
});

/** Stores a changed configuration or artefact as its run would have. */
function stored(at: string, name: string, content: Uint8Array): void {
  const hash = createHash("sha256").update(content).digest("hex");
  const before = createHash("sha256").update(bytes(at, name)).digest("hex");
  writeFileSync(join(at, name), content);
  writeFileSync(join(at, "recorded.json"), bytes(at, "recorded.json").toString().replaceAll(before, hash));
}

test.each<[string, (at: string) => void, string]>([
  ["no recording at all", (at) => rmSync(join(at, "recorded.json")), "there is no AT/recorded.json: "],
  [
    "another schema",
    edit("recorded.json", (document: { schema: string }) => {
      document.schema = "mltb.recorded/0";
    }),
    'AT/recorded.json is not what a run recorded: schema: Invalid input: expected "mltb.recorded/1"',
  ],
  [
    "no start",
    edit("recorded.json", (document: Record<string, unknown>) => void delete document["started_at"]),
    "AT/recorded.json is not what a run recorded: started_at is missing",
  ],
  [
    "no runtime",
    recorded(({ outcome }) => void delete (outcome.measured as Partial<Measured>).runtime),
    "AT/recorded.json is not what a run recorded: measurements[0].outcome.measured.runtime is missing",
  ],
  [
    "answers by their number alone",
    recorded(({ outcome }) => void Object.assign(outcome, { answers: { correct: 5 } })),
    "AT/recorded.json is not what a run recorded: measurements[0].outcome.answers.predicted is missing",
  ],
  [
    "an environment before the windows alone",
    recorded(({ outcome }) => void delete (outcome.measured.environment as Record<string, unknown>)["after"]),
    "AT/recorded.json is not what a run recorded: measurements[0].outcome.measured.environment.after is missing",
  ],
  [
    "a configuration without its windows",
    (at) => {
      const [{ measure: _, ...first }] = JSON.parse(bytes(at, "configuration.json").toString());
      stored(at, "configuration.json", Buffer.from(JSON.stringify([first])));
    },
    "AT/configuration.json is no configuration: [0].measure is missing",
  ],
  [
    "a recording that does not tell what was simulated",
    (at) => {
      const { path } = (run.results[0] as ResultRecord).artifacts[0] as { path: string };
      const { simulated: _, ...rest } = JSON.parse(gunzipSync(bytes(at, path)).toString());
      stored(at, path, gzipSync(JSON.stringify(rest)));
    },
    ".json.gz cannot be read: the recording has another form: simulated is missing",
  ],
])(
  "a run in the form of an earlier version is refused with the file, what it lacks and what helps: %s",
  (_name, change, text) => {
    let at = "";
    const failed = (): unknown => {
      try {
        return replayed((copy) => {
          at = copy;
          change(copy);
        });
      } catch (error) {
        return error;
      }
    };
    const error = failed() as ResultsError;
    expect(isResultsError(error)).toBe(true);
    expect(error.message).toContain(text.replace("AT", at));
    // Its own file, and not the copy.
    expect(error.message).toContain(`${at}/`);
    expect(error.mend).toMatch(/replay it with that version, or measure again/);
  },
);

test("a result of another form is named with what it lacks, and is made again of what the run recorded", () => {
  const copy = join(folder, "lacking");
  cpSync(run.folder, copy, { recursive: true });
  edit(
    "result.json",
    ({ results: [first] }: RunDocument) => void delete (first as Partial<ResultRecord>).accuracy,
  )(copy);
  const file = join(copy, "result.json");
  const refused = (): unknown => reportOf(copy);
  expect(refused).toThrow(`${file} has not the form of a result: results[0].accuracy is missing`);
  expect(refused).toThrow(expect.objectContaining({ mend: expect.stringContaining(`results replay ${copy} --out`) }));
  expect(listRuns(folder).broken).toContainEqual(expect.stringContaining(file));
  const again = replayRun(copy, join(folder, "lacking-again"), reread);
  expect(bytes(again.folder, "result.json")).toEqual(bytes(run.folder, "result.json"));
  rmSync(join(copy, "recorded.json"));
  expect(refused).toThrow(expect.objectContaining({ mend: expect.stringContaining("measure again") }));
  writeFileSync(file, "null");
  expect(refused).toThrow("schema mltb.run/1 is wanted");
});
