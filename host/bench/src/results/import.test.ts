import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { expand } from "../configurator/variables.ts";
import { importResults } from "./import.ts";

function file(text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), "mltb-import-")), "x.csv");
  writeFileSync(path, text);
  return path;
}

test("units become ours: a published MLPerf Tiny row", () => {
  const imported = importResults(
    file(
      "round,division,org,system,task,latency_ms,inf_per_s,energy_uJ,top1,auc\n0.5,closed,reference,Nucleo,ic,704.2254,1.42,29207.01,86.5,0.99\n0.5,closed,x,y,kws,,,,,\n",
    ),
  );
  expect(imported).toMatchObject({
    format: "mlperf-tiny",
    results: [
      {
        target: "Nucleo",
        model: "ic",
        latency_us: { p50: 704225.4 },
        energy_uj_per_inference: 29207.01,
        accuracy: 0.865,
      },
    ],
    skipped: [{ line: 3, reason: "the row has no figure" }],
  });
});

test("an unknown table and a broken number are told", () => {
  expect(() => importResults(file("a,b\n1,2\n"))).toThrow(/are those of no known format.*edgemark/);
  const imported = importResults(file("platform,model,type,exec_ms,ram_kB,flash_kB\nP,M,t,fast,1,1\n"));
  expect(imported.skipped).toEqual([{ line: 2, reason: "exec_ms fast is no number" }]);
});

const systemsHeader =
  "round,division,org,system,status,board,soc,processor,freq,accelerator,framework,quant,parse_error";
const tinyHeader = "round,division,org,system,task,latency_ms,inf_per_s,energy_uJ,top1,auc";

test("descriptors of boards are read as such; one that was broken is left out with its reason", () => {
  const imported = importResults(
    file(
      `${systemsHeader}\n1.3,closed,st,A,Available,Board,SoC,Core,120 MHz,,Tool 1,int8,\n1.3,closed,st,B,,,,,,,,,Expecting x\n`,
    ),
  );
  expect(imported).toMatchObject({ format: "mlperf-tiny-systems", source: { rows: 2 }, results: [] });
  expect(imported.systems).toEqual([
    {
      target: "A",
      facts: { round: "1.3", division: "closed", org: "st" },
      ...{ availability: "Available", board: "Board", soc: "SoC", processor: "Core", accelerator: null },
      ...{ clock: "120 MHz", clock_mhz: 120, framework: "Tool 1", quantization: "int8" },
    },
  ]);
  expect(imported.skipped).toEqual([{ line: 3, reason: "the submitted descriptor is broken: Expecting x" }]);
});

test.each([
  ["336 MHZ", 336],
  ["20M", 20],
  ["614.4MHz", 614.4],
  ["1.0 GHz", 1000],
  ["Prime Core, up to 3.4Ghz", null],
  ["", null],
])("a frequency is a number where its words are one: %s", (words, mhz) => {
  const imported = importResults(file(`${systemsHeader}\n1,c,o,A,,B,,,"${words}",,,,\n`));
  expect(imported.systems?.map(({ clock_mhz }) => clock_mhz)).toEqual([mhz]);
});

test("results get the descriptor of their system, of their round and submitter alone, and no other", () => {
  const systems = file(
    `${systemsHeader}\n1,closed,st,NUC_A,,exact,,,,,,,\n1,closed,st,NUC-A/nuc_system_description,,folder,,,,,,,\n2,closed,st,NUC_A,,other round,,,,,,,\n1,closed,re,EK_System_Description,,affix,,,,,,,\n1,closed,re,twice_1,,x,,,,,,,\n1,closed,re,TWICE-1,,y,,,,,,,\n1,closed,re,gone,,,,,,,,,broken\n1,closed,st,RX/any,,folder of it,,,,,,,\n`,
  );
  const names = ["1,closed,st,NUC_A", "1,closed,st,NUC-A", "2,closed,st,nuc-a", "1,closed,re,EK", "1,closed,re,Twice1"];
  const rows = [...names, "1,closed,re,gone", "1,open,re,EK", "1,closed,other,EK", "1,closed,st,rx"];
  const table = file(`${tinyHeader}\n${rows.map((row) => `${row},kws,1,,,,\n`).join("")}`);
  const { results, joined } = importResults(table, systems);
  const boards = ["exact", null, "other round", "affix", null, null, null, null, "folder of it"];
  expect(results.map(({ system }) => system?.board ?? null)).toEqual(boards);
  expect(joined).toMatchObject({ rows: 8, without: 5, skipped: [{ line: 8 }] });
  expect(importResults(table).results[0]).not.toHaveProperty("system");
  expect(() => importResults(systems, systems)).toThrow(/only results of MLPerf Tiny/);
  expect(() => importResults(table, table)).toThrow(/descriptors of systems have the columns round/);
});

const folder = join(expand("$MLTB_DATASET", ".", process.env).path, "results");

test.skipIf(!existsSync(folder)).each([
  ["mlperf_tiny_results.csv", "mlperf-tiny", 343],
  ["mlperf_inference_v3.0_edge.csv", "mlperf-inference", 3816],
  ["edgemark_results.csv", "edgemark", 545],
  ["aihub_perf_2026-02-24.csv", "ai-hub", 8196],
])("%s is read whole (needs MLTB_DATASET)", (name, format, rows) => {
  const imported = importResults(join(folder, name));
  expect(imported.format).toBe(format);
  expect(imported.source.rows).toBe(rows);
  expect(imported.results.length + imported.skipped.length).toBe(rows);
  expect(imported.skipped.every((row) => row.reason === "the row has no figure")).toBe(true);
});

test.skipIf(!existsSync(folder))("MLPerf Tiny's results find their boards and toolchains (needs MLTB_DATASET)", () => {
  const systems = join(folder, "mlperf_tiny_systems.csv");
  const imported = importResults(systems);
  expect([imported.format, imported.systems?.length, imported.skipped.length]).toEqual(["mlperf-tiny-systems", 107, 6]);
  const { results, joined } = importResults(join(folder, "mlperf_tiny_results.csv"), systems);
  // The others' descriptors were broken, or bear names that tell nothing of these.
  expect([results.length, joined?.without]).toEqual([343, 25]);
  const nucleo = results.find(({ facts, target }) => facts["org"] === "reference" && target === "Nucleo-L4R5ZI");
  expect(nucleo?.system).toMatchObject({ board: "Nucleo-L4R5ZI", soc: "STM32L4R5ZIT6", clock_mhz: 120 });
});
