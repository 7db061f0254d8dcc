/** Streams end by themselves when they are not renewed: soon, so that a supervisor that is gone costs the board nothing. */
const STREAM_TTL_MS = 4000;
/** The longest that firmware takes (`TTL_LONGEST_MS`). */
const RECORDED_TTL_MS = 60_000;
/** Inside a window streams are renewed only when so little of their time is left. */
const LAST_MS = 2500;

/**
 * Says when a board may be asked for what nobody waits for: renewals of its streams, its counters. Not while a recorded target
 * measures, because answering costs the board time: streams are opened for long when a recording starts and renewed between
 * windows. A window longer than that sees a renewal, or the samples would end. What people command never waits; all that
 * windows see is counted.
 */
export class Quiet {
  /** Requests and presses of buttons that a window has seen. */
  inside = 0;
  /** The same, by the channels whose windows were open. */
  private readonly seen = new Map<number, number>();
  private readonly recorded = new Map<number, number>();
  private readonly open = new Set<number>();
  private until_ms = Number.NEGATIVE_INFINITY;

  /** Recordings under way. */
  get recordings(): number {
    return [...this.recorded.values()].reduce((sum, count) => sum + count, 0);
  }

  /** A window of a recording is open. */
  get window(): boolean {
    return this.open.size > 0;
  }

  /** A recording whose windows a channel's marker makes starts; the returned function ends it and tells what its windows have seen. */
  record(channel: number): () => number {
    this.recorded.set(channel, (this.recorded.get(channel) ?? 0) + 1);
    const before = this.seen.get(channel) ?? 0;
    let found: number | undefined;
    return () => {
      if (found !== undefined) return found;
      found = (this.seen.get(channel) ?? 0) - before;
      const left = (this.recorded.get(channel) ?? 1) - 1;
      if (left > 0) this.recorded.set(channel, left);
      else {
        this.recorded.delete(channel);
        this.open.delete(channel);
      }
      return found;
    };
  }

  /** Something is asked of the board, or somebody has pressed a button there. */
  asked(): void {
    if (this.open.size === 0) return;
    this.inside += 1;
    for (const channel of this.open) this.seen.set(channel, (this.seen.get(channel) ?? 0) + 1);
  }

  /** An edge of a channel's marker: 1 opens a window, 0 closes it. */
  edge(channel: number, level: number): void {
    if (level === 1 && this.recorded.has(channel)) this.open.add(channel);
    else this.open.delete(channel);
  }

  /** Time for which streams are opened now. */
  ttl_ms(): number {
    return this.recorded.size > 0 ? RECORDED_TTL_MS : STREAM_TTL_MS;
  }

  /** The board may be asked now, and its streams opened anew. */
  due(now_ms: number): boolean {
    if (this.recorded.size === 0) return true;
    return this.until_ms - now_ms < (this.window ? LAST_MS : RECORDED_TTL_MS / 2);
  }

  /** Streams were opened, asked at `now_ms` for `ttl_ms`. */
  opened(now_ms: number, ttl_ms: number): void {
    this.until_ms = now_ms + ttl_ms;
  }

  /** The board has begun anew: it streams nothing. */
  restart(): void {
    this.until_ms = Number.NEGATIVE_INFINITY;
  }
}
