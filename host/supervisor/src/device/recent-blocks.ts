/** Blocks that are remembered: some seconds of what a wire may keep and bring again. */
const KEPT = 256;

/** Tells blocks that have come before by what cannot come twice: their index together with their device time. */
export class RecentBlocks {
  /** Device time by index, oldest first. */
  private readonly ticks = new Map<number, number>();

  /** Whether a block has come before; one that has not is remembered. */
  had(first: number, tick_us: number): boolean {
    if (this.ticks.get(first) === tick_us) return true;
    // Behind a stream that began anew the index is the newest again.
    this.ticks.delete(first);
    this.ticks.set(first, tick_us);
    if (this.ticks.size > KEPT) this.ticks.delete(this.ticks.keys().next().value as number);
    return false;
  }

  /** The board began anew: its indices and its clock did. */
  forget(): void {
    this.ticks.clear();
  }
}
