import { nominalCalibration } from "@mltb/contract";
import { expect, test } from "vitest";
import type { SeenEnvironment } from "../results/environment.ts";
import { sampleRecord, sampleRun } from "../results/sample-record.ts";
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
