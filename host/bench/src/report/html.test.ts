import { nominalCalibration } from "@mltb/contract";
import { expect, test } from "vitest";
import { sampleRecord, sampleRun } from "../results/sample-record.ts";
import { renderReport } from "./html.ts";

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
