/**
 * Counts calls that reach the agent, and those that do while it measures: answering them costs the target time, so that a
 * result can say that nobody asked. The call that measures is not one of them.
 */
export class Visits {
  /** Calls so far, over gRPC and HTTP. */
  total = 0;
  /** Those that came while something was measured. */
  disturbing = 0;
  private measuring = 0;

  seen(): void {
    this.total += 1;
    if (this.measuring > 0) this.disturbing += 1;
  }

  /** A measurement begins; the function that is returned ends it and gives the number of calls that came meanwhile. */
  measure(): () => number {
    const before = this.disturbing;
    this.measuring += 1;
    return () => {
      this.measuring -= 1;
      return this.disturbing - before;
    };
  }
}
