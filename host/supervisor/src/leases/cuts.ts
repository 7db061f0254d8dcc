/** Streams and consoles that are open on targets: they are cut when the target's lease ends. */
export class Cuts {
  private readonly open = new Map<string, Set<(reason: string) => void>>();
  private readonly watching = new Set<(target: string, reason: string) => void>();

  /** Registers something open on a target; returns how it is taken off the list when it ends by itself. */
  add(target: string, cut: (reason: string) => void): () => void {
    const entries = this.open.get(target) ?? new Set();
    this.open.set(target, entries);
    entries.add(cut);
    return () => {
      entries.delete(cut);
    };
  }

  /** Tells of the cuts of every target what is open on all of them; returns how to stop that. */
  watch(told: (target: string, reason: string) => void): () => void {
    this.watching.add(told);
    return () => {
      this.watching.delete(told);
    };
  }

  /** Ends everything that is open on a target; returns how many there were. */
  cut(target: string, reason: string): number {
    const entries = [...(this.open.get(target) ?? [])];
    this.open.delete(target);
    for (const entry of entries) entry(reason);
    for (const told of this.watching) told(target, reason);
    return entries.length;
  }
}
