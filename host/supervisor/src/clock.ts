/** Two clocks: one that nobody sets, for durations, and the calendar's. Milliseconds. */
export interface Clock {
  mono(): number;
  wall(): number;
}

export const systemClock: Clock = { mono: () => performance.now(), wall: () => Date.now() };

/** The calendar clock has been set when it moved against the other one by this much. */
const STEP_MS = 500;
/** For so long after it went back, what has run out by either clock has run out. */
const DOUBT_MS = 60_000;

/**
 * Watches the calendar clock for steps. After a step back a command that had expired would look fresh again: for a
 * minute both the old and the new clock must say that it has not expired.
 */
export class ClockWatch {
  /** Steps seen since the start. */
  steps = 0;
  lastStep_ms = 0;
  onStep: (step_ms: number) => void = () => undefined;
  private readonly clock: Clock;
  private offset: number;
  private doubts: { offset: number; until: number }[] = [];

  constructor(clock: Clock) {
    this.clock = clock;
    this.offset = clock.wall() - clock.mono();
  }

  /** Looks at both clocks; call about once a second, and before a time of expiry is judged. */
  look(): void {
    const offset = this.clock.wall() - this.clock.mono();
    const step = offset - this.offset;
    if (Math.abs(step) < STEP_MS) {
      // A clock that is slewed moves slowly; that is followed and is no step.
      this.offset = offset;
      return;
    }
    if (step < 0) this.doubts.push({ offset: this.offset, until: this.clock.mono() + DOUBT_MS });
    this.offset = offset;
    this.steps += 1;
    this.lastStep_ms = step;
    this.onStep(step);
  }

  /** Whether a time of the calendar (ms since the epoch) is over. */
  isOver(wall_ms: number): boolean {
    this.look();
    const mono = this.clock.mono();
    this.doubts = this.doubts.filter((doubt) => doubt.until > mono);
    return [this.offset, ...this.doubts.map((doubt) => doubt.offset)].some((offset) => mono + offset >= wall_ms);
  }
}
