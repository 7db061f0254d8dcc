import { EventEmitter } from "node:events";
import type { CalibrationView, TargetView } from "@mltb/contract";
import type { LeaseView } from "./leases/leases.ts";
import type { Lifecycle } from "./link/lifecycle.ts";

/** Samples of one target from one block, as the NDJSON stream and the recordings take them. */
export interface SampleBlock {
  target: string;
  first: number;
  /** Device time (unwrapped) at the end of the first sample's interval. */
  tick_us: number;
  period_us: number;
  lost: number;
  /**
   * Only in the first block of a stream that began anew (after an update or a lost link): indices and `lost` begin again.
   * `missing_rows` are the rows between by the device's clock, null where that began anew too.
   */
  restarted?: { missing_rows: number | null };
  current_a: number[];
}

/** Whether an experiment runs on a target, and whether the target can be used. */
export interface TargetFlags {
  experiment_running: boolean;
  available: boolean;
}

/**
 * Where a target is on its way to being ready. `none`: it has no ready condition; `timeout`: it is late, or never came;
 * `unknown`: its power was not seen yet, or it was on before anybody looked.
 */
export interface BootState {
  state: "none" | "unknown" | "off" | "booting" | "ready" | "timeout";
  /** From power on to the line that matched, in milliseconds. */
  boot_ms: number | null;
}

/** What happens in a bay, for everybody who shows, stores or forwards it. */
export interface BayEvents {
  power: [target: TargetView, cause: string, source: string];
  measure: [target: TargetView];
  fault: [target: TargetView];
  /** The lease of a target is another one now, or has another time left; null: it is free. */
  lease: [target: string, lease: LeaseView | null];
  flags: [target: string, flags: TargetFlags];
  samples: [block: SampleBlock];
  voltage: [target: string, tick_us: number, voltage_v: number];
  marker: [target: string, level: number, tick_us: number];
  console: [target: string, line: string];
  /** A target begins to boot: its switch has closed, or its reset line was released. */
  begin: [target: string];
  /** A target is off, boots, has become ready, or was not ready in time. */
  boot: [target: string, boot: BootState];
  button: [rack: string, button: string, press: string];
  panel: [rack: string, page: string, lines: string[]];
  lifecycle: [board: string, state: Lifecycle, reason: string];
  /** The board began anew: its clock and its states did. */
  restarted: [board: string];
  /** A lost link is there again and the board's clock went on: what the board told meanwhile, edges too, is lost. */
  resumed: [board: string];
  /** What the board stores as a target's calibration was read, or written. */
  calibration: [target: string, calibration: CalibrationView];
  log: [board: string, level: number, text: string];
}

type TargetListeners<E extends keyof BayEvents> = Map<string, Set<(...args: BayEvents[E]) => void>>;

/** Who tells and who listens. */
export class BayHub extends EventEmitter<BayEvents> {
  private readonly powers: TargetListeners<"power"> = new Map();
  private readonly leases: TargetListeners<"lease"> = new Map();
  private readonly begins: TargetListeners<"begin"> = new Map();

  constructor() {
    super();
    this.setMaxListeners(1000);
    this.on("power", (...args) => {
      for (const told of this.powers.get(args[0].name) ?? []) told(...args);
    });
    this.on("lease", (...args) => {
      for (const told of this.leases.get(args[0]) ?? []) told(...args);
    });
    this.on("begin", (target) => {
      for (const told of this.begins.get(target) ?? []) told(target);
    });
  }

  /** Tells of the power of one target; returns how to stop that. In a bay of hundreds nobody asks whose event it is. */
  onPower(target: string, told: (...args: BayEvents["power"]) => void): () => void {
    return listen(this.powers, target, told);
  }

  /** Tells of the lease of one target; returns how to stop that. */
  onLease(target: string, told: (...args: BayEvents["lease"]) => void): () => void {
    return listen(this.leases, target, told);
  }

  /** Tells when one target begins to boot; returns how to stop that. */
  onBegin(target: string, told: (...args: BayEvents["begin"]) => void): () => void {
    return listen(this.begins, target, told);
  }
}

function listen<T>(listeners: Map<string, Set<T>>, target: string, told: T): () => void {
  const ofTarget = listeners.get(target) ?? new Set();
  listeners.set(target, ofTarget);
  ofTarget.add(told);
  return () => {
    ofTarget.delete(told);
    if (ofTarget.size === 0 && listeners.get(target) === ofTarget) listeners.delete(target);
  };
}

export function createHub(): BayHub {
  return new BayHub();
}
