import type { Experiment } from "../configurator/types.ts";
import type { RunState } from "../orchestrator/machine.ts";
import type { NodeWork } from "./plan.ts";

/** Time of a measurement beside its windows: deploying, warming up, gaps. A first guess, until some were seen. */
const BESIDE_S = 2;

/** How far a run is, and how long what is left will take. */
export class Eta {
  private readonly experiments: Experiment[];
  private readonly started = new Map<string, number>();
  private beside_s = BESIDE_S;
  private seen = 0;

  constructor(experiments: Experiment[]) {
    this.experiments = experiments;
  }

  /** A measurement begins or ends, by the monotonic clock in seconds. */
  begin(node: string, now_s: number): void {
    this.started.set(node, now_s);
  }

  end(node: string, work: NodeWork, now_s: number): void {
    const since = this.started.get(node);
    if (since === undefined || work.kind !== "measure") return;
    this.seen += 1;
    this.beside_s += (Math.max(0, now_s - since - this.windows_s(work)) - this.beside_s) / this.seen;
  }

  /** Measurements that are over, all of them, and the seconds that the rest will take on the busiest board or machine. */
  progress(state: RunState): { done: number; all: number; left_s: number } {
    const measurements = [...state.nodes.values()].filter((node) => workOf(node.spec.parameters).kind === "measure");
    // Measured is measured: what brings a node down afterwards takes no time that anybody waits for.
    const open = measurements.filter(
      ({ ended, failure, passed, spec }) => !ended && failure === undefined && passed < spec.phases.length,
    );
    const busy = new Map<string, number>();
    for (const { spec } of open) {
      const seconds = this.windows_s(workOf(spec.parameters)) + this.beside_s;
      for (const key of spec.exclusive ?? []) busy.set(key, (busy.get(key) ?? 0) + seconds);
    }
    return { done: measurements.length - open.length, all: measurements.length, left_s: Math.max(0, ...busy.values()) };
  }

  private windows_s(work: NodeWork): number {
    if (work.kind !== "measure") return 0;
    const { windows, window_s } = (this.experiments[work.experiment] as Experiment).measure;
    return windows * window_s;
  }
}

function workOf(parameters: Record<string, unknown>): NodeWork {
  return parameters["work"] as NodeWork;
}

/** `3 of 8 measured, about 2 min left`. */
export function etaText({ done, all, left_s }: { done: number; all: number; left_s: number }): string {
  if (done === all) return `${done} of ${all} measured`;
  const left = left_s < 90 ? `${Math.ceil(left_s)} s` : `${Math.ceil(left_s / 60)} min`;
  return `${done} of ${all} measured, about ${left} left`;
}
