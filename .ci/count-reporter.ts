import { mkdirSync, writeFileSync } from "node:fs";
import type { Reporter, TestCase } from "vitest/node";

const results = new URL("../docs/results/", import.meta.url);

/**
 * Closes a run with `N passed, N failed, N skipped` alone on a line; the sums are those of the cases seen. The long form
 * of a whole suite leaves its sums and its cases in `docs/results/`.
 */
export default class CountReporter implements Reporter {
  private readonly counts = { passed: 0, failed: 0, skipped: 0 };
  private readonly cases: { test: string; state: string; ms: number; note?: string }[] = [];

  onTestCaseResult(test: TestCase): void {
    const result = test.result();
    if (result.state === "pending") return;
    this.counts[result.state] += 1;
    const note = result.state === "skipped" ? result.note : undefined;
    const ms = Math.round(test.diagnostic()?.duration ?? 0);
    const name = `${test.module.relativeModuleId}: ${test.fullName}`;
    this.cases.push({ test: name, state: result.state, ms, ...(note === undefined ? {} : { note }) });
  }

  onTestRunEnd(_modules: unknown, errors: readonly unknown[], reason: string): void {
    // A file that cannot be loaded, or an error outside a case, is a failure although no case failed.
    if (reason === "failed" && this.counts.failed === 0) this.counts.failed += Math.max(1, errors.length);
    const { passed, failed, skipped } = this.counts;
    const name = process.env["MLTB_LONG_RESULT"];
    if (name !== undefined) {
      const [command, file] = name.split("|") as [string, string];
      const document = {
        command,
        at: new Date().toISOString(),
        node: process.version,
        ...this.counts,
        cases: this.cases,
      };
      mkdirSync(results, { recursive: true });
      writeFileSync(new URL(`${file}.json`, results), `${JSON.stringify(document, null, 1)}\n`);
    }
    process.stdout.write(`\n${passed} passed, ${failed} failed, ${skipped} skipped\n`);
  }
}
