import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import type { Replay, RunDocument } from "@mltb/bench";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Ended, example, type Running, run, start } from "./mltb.ts";

const folder = mkdtempSync(join(tmpdir(), "mltb-experiment-"));
const at = ["--state", join(folder, "state")];
const measure = "0/measure/local-cpu/m";
let bay: Running;

beforeAll(async () => {
  const free = ["--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--json"];
  bay = await start("up", "--bay", example("demo-bay.yml"), ...at, ...free);
});
afterAll(async () => {
  expect(await bay.end()).toBe(0);
  rmSync(folder, { recursive: true });
});

function begin(out: string, window_s = 1): Promise<Ended> {
  const sets = [
    "targets=[local-cpu]",
    "models=[{name: first, generate: ds-cnn-kws}, {name: m, generate: ds-cnn-kws}]",
    `measure={windows: 2, window_s: ${window_s}}`,
  ];
  const given = sets.flatMap((set) => ["--set", set]);
  return run("run", example("quickstart.yml"), ...given, ...at, "--out", join(folder, out), "--json");
}

/** One answer of the bay. */
async function askOnce(path: string): Promise<Record<string, unknown>> {
  const { http, token_file } = bay.ready as Record<string, string>;
  const headers = { authorization: `Bearer ${readFileSync(token_file ?? "", "utf8").trim()}` };
  return (await (await fetch(`${http}/api/v1/${path}`, { headers })).json()) as Record<string, unknown>;
}

/** Asks the bay for all that it tells, over and over, until it is stopped; gives the number of answers. */
function askTheBay(): () => Promise<number> {
  const { http, metrics, token_file } = bay.ready as Record<string, string>;
  const headers = { authorization: `Bearer ${readFileSync(token_file ?? "", "utf8").trim()}` };
  const paths = ["targets", "targets/local-cpu", "targets/local-cpu/measure", "targets/local-cpu/health", "health"];
  const urls = [...paths.map((path) => `${http}/api/v1/${path}`), metrics ?? `${http}/metrics`];
  let answers = 0;
  let over = false;
  const asking = (async () => {
    while (!over) for (const url of urls) if ((await fetch(url, { headers })).ok) answers += 1;
  })();
  return async () => {
    over = true;
    await asking;
    return answers;
  };
}

/** Time of the processor that a process has had (utime of proc(5), in ticks of 10 ms). */
function processor_s(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
    return Number(fields[11]) / 100;
  } catch {
    // It has ended since it was listed.
    return 0;
  }
}

/** The id of the run that works in a folder, once it is there. */
async function idOf(out: string): Promise<string> {
  for (;;) {
    const [name] = ((): string[] => {
      try {
        return readdirSync(join(folder, out));
      } catch {
        return [];
      }
    })();
    const id = name === undefined ? undefined : /\d{8}T\d{6}-[0-9a-f]{6}$/.exec(name)?.[0];
    if (id !== undefined && (await run("experiment", "show", id, ...at, "--json")).code === 0) return id;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A recording in which every current is ten codes larger (docs/recordings.md). */
function brighter(file: Uint8Array): Uint8Array {
  const content = gunzipSync(file);
  const end = content.indexOf(10) + 1;
  const { blocks, samples } = JSON.parse(content.subarray(0, end).toString()) as { blocks: number; samples: number };
  for (let n = 0; n < samples; n += 1) {
    const at = end + blocks * 16 + n * 2;
    content.writeInt16LE(content.readInt16LE(at) + 10, at);
  }
  return gzipSync(content);
}

test("a node of a real run is held, shown with its reason and resumed; the report of a copy has the same bytes", async () => {
  const ended = begin("held");
  const id = await idOf("held");
  expect((await run("experiment", "hold", id, measure, "--reason", "look first", ...at)).code).toBe(0);
  const shown = await run("experiment", "show", id, ...at, "--json");
  expect(shown.out).toContain("look first");
  expect((await run("experiment", "resume", id, measure, ...at)).code).toBe(0);
  const { out } = await ended;
  const document = JSON.parse(out);
  expect(document.results[0].latency_us.n).toBeGreaterThan(0);
  const copy = join(folder, "elsewhere");
  cpSync(document.folder, copy, { recursive: true });
  rmSync(join(copy, "report.html"));
  expect((await run("report", copy)).code).toBe(0);
  expect(readFileSync(join(copy, "report.html"))).toEqual(readFileSync(join(document.folder, "report.html")));
  const replay = async (...more: string[]) => {
    const { code, out: text } = await run("results", "replay", copy, "--json", ...more);
    return { code, ...(JSON.parse(text) as Replay) };
  };
  const same = await replay("--out", join(folder, "again"));
  expect(same).toMatchObject({ code: 0, byte_equal: { result: true, report: true }, changed: [], differing: [] });
  expect(same.records.map(({ differing }) => differing)).toEqual(document.results.map(() => []));
  for (const name of ["result.json", "report.html"])
    expect(readFileSync(join(same.folder, name))).toEqual(readFileSync(join(document.folder, name)));
  // The energies come from the samples of the rail.
  const samples = document.results[0].artifacts.find(({ path }: { path: string }) => path.startsWith("samples-")).path;
  writeFileSync(join(copy, samples), brighter(readFileSync(join(copy, samples))));
  const other = await replay();
  expect(other).toMatchObject({ code: 1, byte_equal: { result: false, report: false }, changed: [samples] });
  expect(other.records[0]?.differing.map(({ field }) => field)).toContain("windows.0.energy_uj");
  expect((await run("experiment", "hold", id, measure, "--reason", "late", ...at)).code).not.toBe(0);
}, 300_000);

test("no call reaches an agent while it measures, however much the bay is asked; figures that have moved between runs are told", async () => {
  const once = async (): Promise<{ run: RunDocument; err: string }> => {
    const { out, err } = await begin("drift");
    return { run: JSON.parse(out), err };
  };
  const stop = askTheBay();
  const { run: first, err: quiet } = await once();
  expect(await stop()).toBeGreaterThan(100);
  expect(first.results.map(({ environment }) => environment?.requests_meanwhile)).toEqual([0, 0]);
  // Of requests to the board inside a window a record warns.
  expect(first.results.flatMap(({ warnings }) => warnings).filter((text) => text?.includes("inside windows"))).toEqual(
    [],
  );
  expect(quiet).not.toContain("moved by");
  // The record of a target that was a hundred times faster.
  for (const { latency_us: latency } of first.results) {
    for (const name of ["p50", "p90", "p99", "mean"] as const) if (latency !== null) latency[name] /= 100;
    if (latency !== null) latency.ci95_p50 = latency.ci95_p50.map((bound) => bound / 100) as [number, number];
  }
  writeFileSync(join(first.folder, "result.json"), JSON.stringify(first));
  const unreadable = join(folder, "drift", "older");
  mkdirSync(unreadable);
  writeFileSync(join(unreadable, "result.json"), JSON.stringify({ schema: "mltb.run/1" }));
  const { run: second, err } = await once();
  expect(err).toContain(`warning: not looked at for drift: ${join(unreadable, "result.json")}`);
  expect(second.results.map(({ fingerprint }) => fingerprint.hash)).toEqual(
    first.results.map(({ fingerprint }) => fingerprint.hash),
  );
  // Of the two models one may be too noisy on a busy machine to be compared.
  expect(err).toMatch(/warning: local-cpu (first|m): latency_us\.p50 moved by \d+\.\d % against run/);
  const drift = await run("results", "drift", second.run_id, "--results", join(folder, "drift"), "--json");
  expect([drift.code, JSON.parse(drift.out).drifts.length > 0]).toEqual([1, true]);
  const report = readFileSync(join(second.folder, "report.html"), "utf8");
  expect(report).toMatch(/largest difference from the reference \d/);
  expect(report).toContain("0 calls to the agent meanwhile");
  const stored = await run("experiment", "show", second.run_id, ...at, "--json");
  const { configuration } = JSON.parse(stored.out);
  const told = await askOnce(`configurations/${configuration.slice(0, 12)}`);
  expect(told).toMatchObject({ hash: configuration, experiments: [{ name: "quickstart", targets: ["local-cpu"] }] });
  expect(await askOnce("configurations/0000")).toMatchObject({ status: 404, code: "unknown-configuration" });
  const shown = await run("results", "show", second.run_id, "--results", join(folder, "drift"));
  expect(shown.out).toContain("max error");
}, 300_000);

test("a run that ended without its document is interrupted, and going on writes it from the journal alone", async () => {
  const document = JSON.parse((await begin("unwritten")).out) as RunDocument;
  const [result, report] = ["result.json", "report.html"].map((name) => join(document.folder, name)) as [
    string,
    string,
  ];
  const before = readFileSync(report, "utf8");
  rmSync(result);
  rmSync(report);
  const shown = await run("experiment", "show", document.run_id, ...at, "--json");
  expect(JSON.parse(shown.out)).toMatchObject({ status: "interrupted" });
  // No bay is asked: there is none where this says one is.
  const nowhere = ["--url", "http://127.0.0.1:9"];
  const again = await run("experiment", "resume", document.run_id, ...at, ...nowhere, "--json");
  expect(JSON.parse(again.out).results, again.err).toEqual(document.results);
  expect(JSON.parse(readFileSync(result, "utf8")).results).toEqual(document.results);
  expect(readFileSync(report, "utf8").slice(-1000)).toBe(before.slice(-1000));
  const ended = await run("experiment", "resume", document.run_id, ...at);
  expect([ended.code, ended.err]).toEqual([3, expect.stringContaining(`its results are in ${document.folder}`)]);
}, 300_000);

test("a cancelled run leaves its target off and free", async () => {
  const ended = begin("cancelled");
  const id = await idOf("cancelled");
  expect((await run("experiment", "cancel", id, ...at)).code).toBe(0);
  await ended;
  const target = JSON.parse((await run("power", "status", "local-cpu", ...at, "--json")).out);
  expect(target).toMatchObject({ power: "off", lease: null });
}, 300_000);

test("an agent that dies while it measures costs that measurement alone, though it is back at once under another address", async () => {
  const ended = begin("killed", 3);
  const id = await idOf("killed");
  const started = async (): Promise<boolean> => {
    const { nodes } = JSON.parse((await run("experiment", "show", id, ...at, "--json")).out);
    return nodes.some(
      (node: { node: string; phase: string }) => /measure.*first$/.test(node.node) && node.phase === "start",
    );
  };
  while (!(await started())) await new Promise((resolve) => setTimeout(resolve, 50));
  for (const pid of bay.descendants("agent inference")) process.kill(pid, "SIGKILL");
  const { out, err } = await ended;
  const [first, second] = (JSON.parse(out) as RunDocument).results;
  expect(first?.verdict, err).toBe("invalid");
  expect(first?.reasons.join()).toMatch(
    /^(the agent does not answer any more|agent \S+ (is offline|has started anew)): /,
  );
  expect(second?.latency_us?.n, err).toBeGreaterThan(0);
}, 300_000);

test("an agent that freezes inside a window ends its measurement with the reason; its board is booted anew for the next, and off at the end", async () => {
  const ended = begin("frozen", 600);
  const agents = (): number[] => bay.descendants("agent inference");
  const id = await idOf("frozen");
  const measuring = async (name: string): Promise<boolean> => {
    const { nodes } = JSON.parse((await run("experiment", "show", id, ...at, "--json")).out);
    return nodes.some((node: { node: string; phase: string }) => node.node === name && node.phase === "start");
  };
  while (!(await measuring("0/measure/local-cpu/first"))) await new Promise((resolve) => setTimeout(resolve, 50));
  // A node that has started asks its agent first, and boots its board where it does not answer: a window is under way when
  // the model's process has worked for so long that it is not its loading.
  const worked = (): boolean => bay.descendants("inference/src/process/main").some((pid) => processor_s(pid) > 2);
  while (!worked()) await new Promise((resolve) => setTimeout(resolve, 50));
  expect(agents().length).toBeGreaterThan(0);
  for (const pid of agents()) process.kill(pid, "SIGSTOP");
  const frozen = agents();
  let over = false;
  void ended.then(() => {
    over = true;
  });
  // The next measurement finds the board booted anew; one that still meets the frozen agent ends with the reason like the first.
  while (!over && !(await measuring(measure))) await new Promise((resolve) => setTimeout(resolve, 50));
  while (!over && agents().every((pid) => frozen.includes(pid)))
    await new Promise((resolve) => setTimeout(resolve, 50));
  if (!over) await run("experiment", "cancel", id, ...at);
  const { out, code, err } = await ended;
  expect(code, err).toBe(1);
  expect(JSON.parse(out).results[0]).toMatchObject({
    verdict: "invalid",
    reasons: [expect.stringMatching(/agent \S+ is offline/)],
  });
  const target = JSON.parse((await run("power", "status", "local-cpu", ...at, "--json")).out);
  expect(target).toMatchObject({ power: "off", lease: null });
}, 300_000);
