import { nominalCalibration } from "@mltb/contract";
import { expect, test } from "vitest";
import type { SeenEnvironment } from "../results/environment.ts";
import { sampleRecord, sampleRun } from "../results/sample-record.ts";
import { modelledRecording } from "../runner/modelled-agent.ts";
import { renderReport } from "./html.ts";
import { renderTable } from "./table.ts";

test("every fact of a fingerprint can be read in the report, those with parts too", () => {
  const meter = { current: "converter", range_a: 5, rate_hz: 1000, voltage: "<monitor>" };
  const facts = { meter, calibration: nominalCalibration, simulated: ["rail"], governor: null, warmup: 7 };
  const html = renderReport(sampleRun("01", [sampleRecord({ facts })]), new Map());
  const cell = (text: string): string => `<td>${text.replaceAll('"', "&quot;")}</td>`;
  for (const text of [
    '{"current":"converter","range_a":5,"rate_hz":1000,"voltage":"&lt;monitor&gt;"}',
    JSON.stringify(nominalCalibration),
    '["rail"]',
    "null",
    "7",
  ])
    expect(html).toContain(cell(text));
  expect(html).not.toContain("[object");
});

test("the report tells at what clock and in which power mode a target measured, as far as its agent does", () => {
  const line = (before: SeenEnvironment): string | undefined => {
    const record = sampleRecord({ environment: { before, after: {}, requests_meanwhile: 0 } });
    return / load [^·]*?, 0 calls/.exec(renderReport(sampleRun("01", [record]), new Map()))?.[0];
  };
  const told = {
    load_1m: 0.5,
    cores: 4,
    governor: "performance",
    clock: "408-1800 MHz",
    power_mode: "nvpmodel 0 MAXN",
  };
  expect(line(told)).toBe(
    " load 0.50 on 4 cores, governor performance, clock 408-1800 MHz, power mode nvpmodel 0 MAXN, 0 calls",
  );
  expect(line({ load_1m: 0.5, cores: 4 })).toBe(" load 0.50 on 4 cores, 0 calls");
});

test("the report says which target was not proved off, who cancelled the run, and what a model's process could do", () => {
  const record = sampleRecord({ network: "not isolated", model_folder: "writable" });
  const run = {
    ...sampleRun("01", [record]),
    not_safe: [{ target: "a", reason: "off <not> confirmed" }],
    cancelled: { author: "ann", reason: "wrong model" },
  };
  const html = renderReport(run, new Map());
  expect(html).toContain(
    '<p class="notice"><strong>a was not proved off.</strong> off &lt;not&gt; confirmed.</p>' +
      '<p class="notice">Cancelled by ann: wrong model.</p>',
  );
  expect(html).toContain("network: not isolated · model folder: writable");
  expect(renderTable(run)).toContain("NOT PROVED OFF: a: off <not> confirmed\ncancelled by ann: wrong model");
});

test("a report is one file: plots are inside it, and nothing outside is fetched, whatever its names say", () => {
  const record = sampleRecord({ target: '"><script src="http://x/y.js"></script>', reasons: ["<img src=//x/y.png>"] });
  const recording = { ...modelledRecording("a"), simulated: ["rail"] };
  const current_a = Array.from({ length: 50 }, (_, i) => i / 100);
  const trace = { first_tick_us: 0, period_us: 1000, current_a, voltage_v: current_a };
  const html = renderReport(sampleRun("01", [record]), new Map([[record, { ...recording, trace }]]));
  expect(html).toContain("<svg");
  expect(html).not.toMatch(/<(script|link|img|iframe|object|embed|base|image|use)\b/i);
  expect(html).not.toMatch(/<[^>]*\s(src|href|srcset|data|action)\s*=/i);
  expect(html).not.toMatch(/url\(|@import/i);
});
