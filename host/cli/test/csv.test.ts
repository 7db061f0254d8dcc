import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ResultRecord, RunDocument } from "@mltb/bench";
import { encodeRecording, Recording } from "@mltb/supervisor/energy";
import { afterAll, expect, test } from "vitest";
import { run } from "./mltb.ts";

const folder = mkdtempSync(join(tmpdir(), "mltb-csv-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A record of a model that could not be measured, with this reason. */
function record(reason: string): ResultRecord {
  return {
    ...{ schema: "mltb.result/1", target: "t", target_kind: "simulated", simulated: ["rail"] },
    ...{ model: { name: "m", sha256: "0", bytes: 1, macs: null, weights: null }, scenario: "single-stream" },
    ...{ runtime: { name: "oip:far", version: "1", threads: 0 }, seed: 1, warmup: 1, windows: [], artifacts: [] },
    ...{ verdict: "invalid", reasons: [reason], latency_us: null, phases_us: null, throughput_per_s: null },
    ...{ energy_uj_per_inference: null, energy_refused: null, samples: { rate_hz: 0, received: 0, lost: 0 } },
    ...{ memory_bytes: null, accuracy: null, numerical_error: null, fingerprint: { hash: "f", fields: {} } },
  };
}

test("results export: with --json the CSV text is inside the document, byte for byte what is printed and written without", async () => {
  mkdirSync(join(folder, "results/one"), { recursive: true });
  const at = "2026-01-01T00:00:00Z";
  const document: RunDocument = {
    ...{ schema: "mltb.run/1", run_id: "r1", experiment: "e", started_at: at, ended_at: at, folder: "" },
    results: [record('it said "no", twice\nand ended'), record("plain")],
  };
  writeFileSync(join(folder, "results/one/result.json"), JSON.stringify(document));
  const csv = ["results", "export", "r1", "--results", join(folder, "results"), "--format", "csv"];
  const plain = await run(...csv);
  const inside = await run(...csv, "--json");
  expect([plain.code, inside.code]).toEqual([0, 0]);
  expect(Object.keys(JSON.parse(inside.out))).toEqual(["csv"]);
  expect(JSON.parse(inside.out).csv).toBe(plain.out);
  const [head = "", ...rows] = plain.out.split("\n");
  expect(head).toMatch(/^run_id,experiment,target,target_kind,simulated,.*,verdict,reasons,/);
  expect(rows[0]).toMatch(/^r1,e,t,simulated,rail,m,0,oip:far,1,0,single-stream,invalid,"it said ""no"", twice$/);
  expect(rows.slice(1)).toEqual([expect.stringMatching(/^and ended",/), expect.stringMatching(/,plain,/), ""]);
  const file = join(folder, "all.csv");
  const written = await run(...csv, "--out", file, "--json");
  expect(JSON.parse(written.out)).toEqual({ files: [file] });
  expect(readFileSync(file, "utf8")).toBe(plain.out);
});

test("energy show --csv: with --json the samples are inside the document, byte for byte what is printed without", async () => {
  const recording = new Recording(0.001);
  recording.samples(0, 1000, 1000, [0.5, 0.25, 0.125]);
  const facts = {
    ...{ id: "rec-1", target: "t", rack: "r", channel: 1, simulated: ["rail"], nominal_v: 5, board_revision: "a" },
    ...{ firmware: null, recorded_at: "2026-01-01T00:00:00Z" },
  };
  const file = join(folder, "rec-1.t.mltb.gz");
  writeFileSync(file, encodeRecording(recording, facts));
  const plain = await run("energy", "show", file, "--csv");
  const inside = await run("energy", "show", file, "--csv", "--json");
  expect([plain.code, inside.code]).toEqual([0, 0]);
  expect(plain.out).toMatch(/^tick_us,current_a\n[\d.-]+,0\.5000000\n[\d.-]+,0\.2500000\n[\d.-]+,0\.1250000\n$/);
  expect(JSON.parse(inside.out)).toMatchObject({ id: "rec-1", samples: { received: 3, lost: 0 }, csv: plain.out });
});
