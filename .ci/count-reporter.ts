import { mkdirSync, writeFileSync } from "node:fs";
import type { Reporter, TestCase } from "vitest/node";
import { type ImagesResult, provenance, rewriteFigures, writeResult } from "../firmware/build/index.ts";
import { type ScenarioDone, scenarioTable } from "../simulators/test/scenarios/table.ts";

/** Where a long run that failed leaves what it did, to be looked at. */
const failures = new URL("../.mltb/", import.meta.url);

/** What the note of a test begins with that passes a result file over. */
const RESULTS = "docs/results/";

/**
 * Closes a run with `N passed, N failed, N skipped` alone on a line; the sums are those of the cases seen. The long form
 * of a whole suite that passed leaves its sums, cases and figures in `docs/results/`, and the pages' figures follow it.
 */
export default class CountReporter implements Reporter {
  private readonly counts = { passed: 0, failed: 0, skipped: 0 };
  private readonly scenarios: ScenarioDone[] = [];
  private readonly failed: string[] = [];
  /** Result files of other sources, as the tests that pass them over say it. */
  private readonly stale: string[] = [];
  private readonly figures: Record<string, number> = {};
  private readonly cases: { test: string; state: string; ms: number; note?: string }[] = [];

  onTestCaseResult(test: TestCase): void {
    const result = test.result();
    if (result.state === "pending") return;
    this.counts[result.state] += 1;
    const note = result.state === "skipped" ? result.note : undefined;
    if (note?.startsWith(RESULTS) === true) this.stale.push(note);
    const { scenario, figures } = test.meta();
    if (scenario !== undefined) this.scenarios.push(scenario);
    Object.assign(this.figures, figures);
    const ms = Math.round(test.diagnostic()?.duration ?? 0);
    const name = `${test.module.relativeModuleId}: ${test.fullName}`;
    this.cases.push({ test: name, state: result.state, ms, ...(note === undefined ? {} : { note }) });
    if (result.state === "failed") this.failed.push(`${name}: ${result.errors?.[0]?.message.split("\n")[0] ?? "?"}`);
  }

  async onTestRunEnd(_modules: unknown, errors: readonly unknown[], reason: string): Promise<void> {
    // A file that cannot be loaded, or an error outside a case, is a failure although no case failed.
    if (reason === "failed" && this.counts.failed === 0) this.counts.failed += Math.max(1, errors.length);
    const name = process.env["MLTB_LONG_RESULT"];
    if (name !== undefined) await this.keep(...(name.split("|") as [string, "long-unit" | "long-images"]), reason);
    const { passed, failed, skipped } = this.counts;
    for (const line of this.stale) process.stdout.write(`note: ${line}\n`);
    for (const line of this.failed) process.stdout.write(`failed: ${line}\n`);
    process.stdout.write(`\n${passed} passed, ${failed} failed, ${skipped} skipped\n`);
  }

  /** One run makes the whole result: cases, table and figures are never those of two. */
  private async keep(command: string, file: "long-unit" | "long-images", reason: string): Promise<void> {
    const result = {
      command,
      of: await provenance(),
      node: process.version,
      ...this.counts,
      ...(Object.keys(this.figures).length === 0 ? {} : { figures: this.figures }),
      ...(file === "long-images" ? { scenarios: scenarioTable(this.scenarios) } : {}),
      cases: this.cases,
    } satisfies Omit<ImagesResult, "at">;
    if (this.counts.failed > 0 || reason !== "passed") {
      const path = new URL(`${file}.failed.json`, failures);
      mkdirSync(failures, { recursive: true });
      writeFileSync(path, `${JSON.stringify(result, null, 1)}\n`);
      process.stdout.write(`\nthe run did not pass: docs/results/${file}.json stays as it was; see ${path.pathname}\n`);
      return;
    }
    for (const path of [writeResult(file, result), ...rewriteFigures()]) process.stdout.write(`wrote ${path}\n`);
  }
}
