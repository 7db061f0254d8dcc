import { BayError } from "@mltb/contract";
import { type Bad, type Caller, policyCaller, refused } from "../call.ts";
import type { Clock } from "../clock.ts";
import type { Lease, LeaseRequest, LeaseTable, Waiter } from "./table.ts";

/** Requests that may wait at one time. */
const WAITERS = 1024;
/** An end policy is through within this time, unless its board is busy or away. */
const ENDING_MS = 1500;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** What becomes of requests. */
export interface QueueEffects {
  /** Enters a lease that the table has granted; throws a `BayError` where it cannot be given after all. */
  grant(lease: Lease, by: Caller): void;
  refused(by: Caller, request: LeaseRequest, code: "leased" | "busy", message: string): void;
}

/** Who waits for a lease: each request gets its lease, the reason why not, or the error that the store had. */
export class LeaseQueue {
  private readonly table: LeaseTable;
  private readonly clock: Clock;
  private readonly effects: QueueEffects;
  private readonly granting = new Map<Waiter, { caller: Caller; told: (outcome: Lease | BayError) => void }>();
  private stopped = false;

  constructor(table: LeaseTable, clock: Clock, effects: QueueEffects) {
    this.table = table;
    this.clock = clock;
    this.effects = effects;
  }

  /** Who waits for what, in the order of arrival. */
  waiting(): { targets: string[]; holder: string; priority: number; waited_s: number }[] {
    const now = this.clock.mono();
    return this.table.queue().map(({ request, since_ms }) => ({
      targets: request.targets,
      holder: request.holder,
      priority: request.priority,
      waited_s: Math.round((now - since_ms) / 1000),
    }));
  }

  /** Leases now, or waits up to `wait_ms` for its turn. Refusals are values; `store_failed` is thrown. */
  async acquire(caller: Caller, request: LeaseRequest, wait_ms: number, signal: AbortSignal): Promise<Lease | Bad> {
    if (this.table.queue().length >= WAITERS) return this.deny(caller, request, "busy", `${WAITERS} requests wait`);
    const waiter = this.table.enqueue(request, this.clock.mono());
    let now: Lease | BayError | undefined;
    this.granting.set(waiter, {
      caller,
      told: (outcome) => {
        now = outcome;
      },
    });
    this.serve();
    if (now instanceof BayError) throw now;
    if (now !== undefined) return now;
    // A lease that is just ending is worth a moment's wait, also for those who did not ask to wait.
    const held = request.targets.some((target) => this.table.of(target) !== undefined);
    if (!held && request.targets.some((target) => this.table.isEnding(target))) wait_ms = Math.max(wait_ms, ENDING_MS);
    if (wait_ms <= 0 || signal.aborted || this.stopped) {
      this.forget(waiter);
      return this.deny(caller, request, "leased", this.whyNot(request.targets));
    }
    return new Promise((resolve, reject) => {
      const give = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", give);
        this.forget(waiter);
        resolve(this.deny(caller, request, "leased", `${this.whyNot(request.targets)}; the time to wait is over`));
      };
      const timer = setTimeout(give, Math.min(wait_ms, LONGEST_TIMER_MS));
      signal.addEventListener("abort", give, { once: true });
      const told = (outcome: Lease | BayError): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", give);
        if (outcome instanceof BayError) reject(outcome);
        else resolve(outcome);
      };
      this.granting.set(waiter, { caller, told });
    });
  }

  private forget(waiter: Waiter): void {
    this.granting.delete(waiter);
    // What stood behind it in the queue may have its turn now.
    if (this.table.withdraw(waiter)) this.serve();
  }

  private deny(caller: Caller, request: LeaseRequest, code: "leased" | "busy", message: string): Bad {
    this.effects.refused(caller, request, code, message);
    return refused(code, message, "wait for it with wait_s, or see `mltb lease list`");
  }

  /** Who holds targets, and for how long yet. */
  whyNot(targets: string[]): string {
    const held = targets.flatMap((target) => {
      const lease = this.table.of(target);
      if (lease !== undefined) {
        const left = Math.max(1, Math.round((lease.expires_ms - this.clock.mono()) / 1000));
        return [`${target} is leased by ${lease.holder} for ${left} s more`];
      }
      return this.table.isEnding(target) ? [`the lease of ${target} is just ending`] : [];
    });
    return held.length > 0 ? held.join(", ") : `others wait for ${targets.join(", ")}`;
  }

  /** Grants what can be granted now. */
  serve(): void {
    // Nothing else would make whoever stands behind a lease that could not be given come to their turn.
    let again = !this.stopped;
    while (again) again = this.round() && !this.stopped;
  }

  /** One round of grants; true where there is cause for another. */
  private round(): boolean {
    let failed = false;
    for (const { waiter, lease } of this.granted()) {
      try {
        this.effects.grant(lease, this.granting.get(waiter)?.caller ?? policyCaller("lease"));
        this.tell(waiter, lease);
      } catch (error) {
        if (!(error instanceof BayError)) throw error;
        failed = true;
        this.tell(waiter, error);
      }
    }
    return failed || this.table.short;
  }

  /** Nobody waits any longer for a target that there is not. */
  refuseUnknown(known: (target: string) => boolean): void {
    for (const waiter of [...this.table.queue()]) {
      const gone = waiter.request.targets.find((target) => !known(target));
      if (gone === undefined) continue;
      this.table.withdraw(waiter);
      this.tell(waiter, new BayError("unknown_target", `there is no target ${gone} any more`));
    }
    this.serve();
  }

  /** What the table grants; where not even a fence can be had from the store, everybody who waits is told so. */
  private granted(): ReturnType<LeaseTable["grant"]> {
    try {
      return this.table.grant(this.clock.mono());
    } catch (error) {
      if (!(error instanceof BayError)) throw error;
      for (const waiter of [...this.table.queue()]) {
        this.table.withdraw(waiter);
        this.tell(waiter, error);
      }
      return [];
    }
  }

  private tell(waiter: Waiter, outcome: Lease | BayError): void {
    const waiting = this.granting.get(waiter);
    this.granting.delete(waiter);
    waiting?.told(outcome);
  }

  /** Nobody gets a lease any more. */
  stop(): void {
    this.stopped = true;
  }
}
