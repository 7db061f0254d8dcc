import type { ResultRecord, RunDocument } from "../results/record.ts";
import type { RecordingDocument } from "../runner/bay-api.ts";
import { tracePlot } from "./plot.ts";
import { simulatedMeaning, simulatedParts } from "./simulated.ts";
import { energyText, errorText } from "./table.ts";

const style = `
:root { color-scheme: light; --ink: #1d2733; --soft: #5c6b7a; --line: #d8dee5; --accent: #1668a8; --win: #f2b70533; }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); max-width: 1040px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: 0.2rem; } h2 { font-size: 1.2rem; margin-top: 2.4rem; border-top: 1px solid var(--line); padding-top: 1.2rem; }
p.meta { color: var(--soft); margin-top: 0; } .wide { overflow-x: auto; }
table { border-collapse: collapse; margin: 0.8rem 0; } th, td { padding: 0.3rem 0.7rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th:first-child, td:first-child, .text { text-align: left; } th { color: var(--soft); font-weight: 600; }
.notice { background: #fff6da; border-left: 4px solid #e0a800; padding: 0.6rem 1rem; margin: 1rem 0; }
.verdict { border-radius: 0.6rem; padding: 0.1rem 0.6rem; font-weight: 600; } .valid, .valid-short { background: #dff3e3; color: #14602b; }
.unstable { background: #fff0cc; color: #7a5600; } .invalid { background: #fbdcdc; color: #8c1b1b; }
svg { width: 100%; height: auto; } .trace { fill: var(--accent); } .win { fill: var(--win); } .grid { stroke: var(--line); stroke-width: 1; }
.tick, .num { font: 12px system-ui, sans-serif; fill: var(--soft); } .mid, .num { text-anchor: middle; } .end { text-anchor: end; } .num { font-weight: 600; fill: #8a6700; }
code { font-size: 0.9em; } details { margin: 0.6rem 0; }
`;

const escapes: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const esc = (text: string): string => text.replace(/[&<>"]/g, (c) => escapes[c] as string);

/** Rows of cells; the first row is the header. Cells are HTML. */
function table(rows: string[][]): string {
  const [head = [], ...body] = rows;
  const line = (cells: string[], tag: string): string =>
    `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join("")}</tr>`;
  return `<div class="wide"><table>${line(head, "th")}${body.map((row) => line(row, "td")).join("")}</table></div>`;
}

const number = (value: number | null | undefined, digits = 1): string =>
  value === null || value === undefined ? "–" : value.toFixed(digits);
const badge = (record: ResultRecord): string => `<span class="verdict ${record.verdict}">${record.verdict}</span>`;

function overview(run: RunDocument): string {
  const rows = [
    ["target", "model", "p50 µs", "p90 µs", "p99 µs", "per second", "energy µJ", "accuracy", "max error", "verdict"],
  ];
  for (const record of run.results) {
    const { latency_us: latency, accuracy } = record;
    rows.push([
      esc(record.target),
      esc(record.model.name),
      number(latency?.p50),
      number(latency?.p90),
      number(latency?.p99),
      number(record.throughput_per_s, 0),
      energyText(record),
      accuracy === null ? "–" : `${accuracy.correct} of ${accuracy.total}`,
      errorText(record),
      badge(record),
    ]);
  }
  return table(rows);
}

function windows(record: ResultRecord): string {
  const rows = [["window", "duration ms", "inferences", "p50 µs", "energy mJ", "µJ per inference", "samples lost"]];
  for (const [i, w] of record.windows.entries()) {
    rows.push([
      String(i + 1),
      number(w.duration_us / 1000, 2),
      String(w.inferences),
      number(w.p50_us),
      number(w.energy_uj === null ? null : w.energy_uj / 1000, 2),
      number(w.energy_uj === null ? null : w.energy_uj / w.inferences, 2),
      w.samples_lost === null ? "–" : String(w.samples_lost),
    ]);
  }
  return table(rows);
}

function budget(record: ResultRecord): string {
  const energy = record.energy_uj_per_inference;
  if (energy === null) return `<p>No energy: ${esc(record.energy_refused ?? "")}.</p>`;
  const rows = [["term", "standard uncertainty µJ", "distribution"]];
  for (const term of energy.budget) rows.push([esc(term.term), term.value.toPrecision(3), term.distribution]);
  return (
    `<details><summary>Uncertainty budget of the energy per inference (${energyText(record)} µJ, 95 %, by ${
      energy.method === "edges" ? "marker edges" : "the host's clock"
    })</summary>` + `${table(rows)}</details>`
  );
}

/** Percentiles with what is known of them: intervals, and the bounds of early stopping. */
function latencies({ latency_us: latency }: ResultRecord): string {
  if (latency === null) return "";
  const interval = (ends: [number, number] | undefined): string =>
    ends === undefined ? "–" : `${number(ends[0])} to ${number(ends[1])}`;
  const bound = (value: { value: number } | null | undefined): string => (value == null ? "–" : number(value.value));
  const { early_stopping: early } = latency;
  const intervals = [latency.ci95_p50, latency.ci95_p90, latency.ci95_p95, latency.ci95_p99].map(interval);
  const values = [latency.min, latency.p50, latency.p90, latency.p95, latency.p99, latency.max, latency.mean];
  return table([
    ["latency µs", "min", "p50", "p90", "p95", "p99", "max", "mean", "queries"],
    ["measured", ...values.map((value) => number(value)), String(latency.n)],
    ["95 % interval", "–", ...intervals, "–", interval(latency.ci95_mean), "–"],
    ["bound at 99 %", "–", "–", bound(early?.p90), bound(early?.p95), bound(early?.p99), "–", "–", "–"],
  ]);
}

/** A fact of a fingerprint; some have parts, such as the meter and the calibration. */
function factText(fact: unknown): string {
  return typeof fact === "object" ? JSON.stringify(fact) : String(fact);
}

/** What may have changed how fast the target was. */
function environmentText({ environment }: ResultRecord): string {
  if (environment == null) return "";
  const { before, after, requests_meanwhile: calls } = environment;
  const heat = after.temperature_c === undefined ? "" : `, ${number(after.temperature_c, 0)} °C`;
  const pinned = before.allowed_cpus === undefined ? "" : `, processors ${esc(before.allowed_cpus)}`;
  const told = { governor: before.governor, clock: before.clock, "power mode": before.power_mode };
  const clock = Object.entries(told).map(([name, value]) => (value === undefined ? "" : `, ${name} ${esc(value)}`));
  const asked = calls == null ? "" : `, ${calls} calls to the agent meanwhile`;
  return `load ${number(before.load_1m, 2)} on ${before.cores ?? "?"} cores${pinned}${clock.join("")}${heat}${asked}`;
}

function section(record: ResultRecord, recording: RecordingDocument | undefined): string {
  const model = record.model;
  const facts = [
    record.scenario,
    `${esc(record.runtime.name)} ${esc(record.runtime.version)}, ${record.runtime.threads} thread(s)`,
    model.macs === null
      ? ""
      : `${model.macs.toLocaleString("en")} multiply-accumulates, ${model.weights?.toLocaleString("en")} weights`,
    record.phases_us === null
      ? ""
      : `phases: pre ${number(record.phases_us.pre)}, inference ${number(record.phases_us.inference)}, post ${number(record.phases_us.post)} µs`,
    record.memory_bytes === null ? "" : `peak memory ${number(record.memory_bytes.peak / 1e6)} MB`,
    record.accuracy_refused === undefined ? "" : `no accuracy: ${esc(record.accuracy_refused)}`,
    record.numerical_error === null
      ? `no numerical error: ${esc(record.numerical_error_refused ?? "not measured")}`
      : `largest difference from the reference ${record.numerical_error.max_abs.toPrecision(3)}, rmse ${record.numerical_error.rmse.toPrecision(3)}`,
    environmentText(record),
    record.network === undefined ? "" : `network: ${esc(record.network)}`,
    record.model_folder === undefined ? "" : `model folder: ${esc(record.model_folder)}`,
    `${record.samples.received} samples at ${record.samples.rate_hz} Hz, ${record.samples.lost} lost`,
  ].filter((text) => text !== "");
  const simulated =
    record.simulated.length > 0
      ? ` <span class="verdict unstable">${esc(record.simulated.join(", "))} simulated</span>`
      : "";
  return (
    `<h2>${esc(record.target)} · ${esc(model.name)} ${badge(record)}${simulated}</h2>` +
    `<p class="meta">${facts.join(" · ")}</p>` +
    (record.reasons.length > 0 ? `<p>${record.reasons.map(esc).join("; ")}.</p>` : "") +
    ((record.warnings ?? []).length > 0
      ? `<p class="notice">${(record.warnings ?? []).map(esc).join("<br>")}</p>`
      : "") +
    latencies(record) +
    (recording === undefined ? "" : tracePlot(recording)) +
    windows(record) +
    budget(record) +
    `<details><summary>Fingerprint <code>${record.fingerprint.hash.slice(0, 16)}</code></summary>${table([
      ["fact", "value"],
      ...Object.entries(record.fingerprint.fields).map(([key, value]) => [esc(key), esc(factText(value))]),
    ])}</details>`
  );
}

function simulatedNotice(part: string): string {
  const meaning = simulatedMeaning(part);
  const text = meaning === undefined ? "" : ` ${meaning[0]?.toUpperCase()}${esc(meaning.slice(1))}.`;
  return `<p class="notice"><strong>The ${esc(part)} is simulated.</strong>${text}</p>`;
}

/** How the run ended where it did not as it should. */
function endNotices({ not_safe = [], cancelled = null }: RunDocument): string {
  const unsafe = not_safe.map(
    ({ target, reason }) => `<strong>${esc(target)} was not proved off.</strong> ${esc(reason)}.`,
  );
  const early = cancelled === null ? [] : [`Cancelled by ${esc(cancelled.author)}: ${esc(cancelled.reason)}.`];
  return [...unsafe, ...early].map((text) => `<p class="notice">${text}</p>`).join("");
}

/** A self-contained HTML page of a run: no script, no reference to anything outside the file. */
export function renderReport(run: RunDocument, recordings: Map<ResultRecord, RecordingDocument>): string {
  const simulated = simulatedParts(run.results).map(simulatedNotice);
  return (
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">` +
    `<title>${esc(run.experiment)} · MLTB</title><style>${style}</style></head><body>` +
    `<h1>Experiment ${esc(run.experiment)}</h1><p class="meta">run ${esc(run.run_id)} · ${run.started_at} to ${run.ended_at}</p>` +
    endNotices(run) +
    simulated.join("") +
    overview(run) +
    run.results.map((record) => section(record, recordings.get(record))).join("") +
    `</body></html>\n`
  );
}
