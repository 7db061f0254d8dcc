import type { Reporter, TestCase } from "vitest/node";

/** Closes a run with `N passed, N failed, N skipped` alone on a line; the sums are those of the cases seen. */
export default class CountReporter implements Reporter {
  private readonly counts = { passed: 0, failed: 0, skipped: 0 };

  onTestCaseResult(test: TestCase): void {
    const state = test.result().state;
    if (state !== "pending") this.counts[state] += 1;
  }

  onTestRunEnd(_modules: unknown, errors: readonly unknown[], reason: string): void {
    // A file that cannot be loaded, or an error outside a case, is a failure although no case failed.
    if (reason === "failed" && this.counts.failed === 0) this.counts.failed += Math.max(1, errors.length);
    const { passed, failed, skipped } = this.counts;
    process.stdout.write(`\n${passed} passed, ${failed} failed, ${skipped} skipped\n`);
  }
}
