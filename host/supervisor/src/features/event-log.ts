import { randomBytes } from "node:crypto";
import type { BayEvents, BayHub } from "../events.ts";

/** Events that are kept for those who come back. */
const KEPT = 4096;
const EDGES = 64;

/** An event of the bay as subscribers get it. */
export interface LoggedEvent {
  /** `RUN-NUMBER`: numbers grow by one; the run changes with every start of the supervisor. */
  id: string;
  event: string;
  data: unknown;
}

/** The last events of the bay in their order, so that a subscriber who was away for a moment misses none. */
export class EventLog {
  private readonly run = randomBytes(6).toString("hex");
  private readonly kept: LoggedEvent[] = [];
  private readonly listeners = new Set<(event: LoggedEvent) => void>();
  private readonly lastEdges = new Map<string, { level: number; tick_us: number; at: string }[]>();
  private next = 1;

  constructor(hub: BayHub) {
    const on = <K extends keyof BayEvents>(event: K, data: (...args: BayEvents[K]) => unknown): void => {
      hub.on(event, ((...args: BayEvents[K]) => this.add(event, data(...args))) as never);
    };
    on("power", (target, cause, source) => ({ target, cause, source }));
    on("fault", (target) => target);
    on("console", (target, line) => ({ target, line }));
    on("boot", (target, boot) => ({ target, ...boot }));
    on("button", (rack, button, press) => ({ rack, button, press, source: "local" }));
    on("panel", (rack, page, lines) => ({ rack, page, lines }));
    on("calibration", (target, calibration) => ({ target, calibration }));
    on("lease", (target, lease) => ({ target, lease }));
    on("flags", (target, flags) => ({ target, ...flags }));
    on("lifecycle", (board, state, reason) => ({ board, state, reason }));
    on("marker", (target, level, tick_us) => {
      const edges = this.lastEdges.get(target) ?? [];
      this.lastEdges.set(target, edges);
      edges.push({ level, tick_us, at: new Date().toISOString() });
      if (edges.length > EDGES) edges.shift();
      return { target, level, tick_us };
    });
  }

  /** The last edges of a target's marker, the oldest first. */
  edges(target: string): { level: number; tick_us: number; at: string }[] {
    return this.lastEdges.get(target) ?? [];
  }

  /** Events after the one with this id; undefined where some of them are no longer kept, or the id is of another run. */
  after(id: string): LoggedEvent[] | undefined {
    const [run, number] = id.split("-");
    const seen = Number(number);
    if (run !== this.run || !Number.isSafeInteger(seen) || seen >= this.next) return undefined;
    const oldest = this.next - this.kept.length;
    return seen + 1 < oldest ? undefined : this.kept.slice(seen + 1 - oldest);
  }

  /** The id that the last event has. */
  lastId(): string {
    return `${this.run}-${this.next - 1}`;
  }

  /** Tells of every event from now on; returns how to stop that. */
  subscribe(told: (event: LoggedEvent) => void): () => void {
    this.listeners.add(told);
    return () => this.listeners.delete(told);
  }

  private add(event: string, data: unknown): void {
    const logged = { id: `${this.run}-${this.next}`, event, data };
    this.next += 1;
    this.kept.push(logged);
    if (this.kept.length > KEPT) this.kept.shift();
    for (const told of this.listeners) told(logged);
  }
}
