/** Streams end by themselves when they are not renewed: soon, so that a supervisor that is gone costs the board nothing. */
const STREAM_TTL_MS = 4000;
/** The longest that firmware takes (`TTL_LONGEST_MS`). */
const RECORDED_TTL_MS = 60_000;
/** Inside a window streams are renewed only when so little of their time is left. */
const LAST_MS = 2500;

/**
 * Says when a board may be asked for what nobody waits for: renewals of its streams, its counters. Not while a recorded target
 * measures, because answering costs the board time: streams are opened for long when a recording starts and renewed between
 * windows. A window longer than that sees a renewal, or the samples would end.
 */
export class Quiet {
  /** Renewals that a window has seen. */
  inside = 0;
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

  /** A recording whose windows a channel's marker makes starts; the returned function ends it. */
  record(channel: number): () => void {
    this.recorded.set(channel, (this.recorded.get(channel) ?? 0) + 1);
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      const left = (this.recorded.get(channel) ?? 1) - 1;
      if (left > 0) this.recorded.set(channel, left);
      else {
        this.recorded.delete(channel);
        this.open.delete(channel);
      }
    };
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

  /** The board may be asked now. */
  due(now_ms: number): boolean {
    if (this.recorded.size === 0) return true;
    const left_ms = this.until_ms - now_ms;
    if (this.open.size === 0) return left_ms < RECORDED_TTL_MS / 2;
    if (left_ms >= LAST_MS) return false;
    this.inside += 1;
    return true;
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
