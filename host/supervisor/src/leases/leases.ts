import { BayError } from "@mltb/contract";
import { type Bad, type Call, type Caller, policyCaller, refused } from "../call.ts";
import type { Clock } from "../clock.ts";
import type { Audit } from "../store/audit.ts";
import { LeaseQueue } from "./queue.ts";
import type { LeaseRows, StoredLease } from "./rows.ts";
import { type EndReason, type Lease, type LeaseRequest, LeaseTable, newLeaseId } from "./table.ts";

/** Longest time between two looks at the leases; a timer of Node takes at most 2^31 ms. */
const LOOK_MS = 60_000;
/** A lease that is bound to a connection may take up a new one for so long after a restart. */
export const HOLD_GRACE_MS = 10_000;

/** Features of a target that change nothing there, so that a lease does not keep others from them. */
const harmless = new Set(["locate"]);

/** A lease as HTTP and MQTT show it. */
export interface LeaseView {
  id: string;
  targets: string[];
  holder: string;
  expires_at: string;
  fence: number;
  priority: number;
  hold: boolean;
  experiment: boolean;
}

export interface LeaseEffects {
  /** The lease of a target is another one now, or has another time left; undefined: it is free. */
  changed(target: string, lease: LeaseView | undefined): void;
  /** Cuts what is open on a target. */
  cut(target: string, reason: string): void;
  /** Brings a target to its end policy; resolves when that is done or cannot be done now. */
  policy(target: string, lease: string): Promise<void>;
  /** The end policy of a target. */
  policyOf(target: string): string;
  /** An end that nobody waits for went wrong. */
  failed(error: Error): void;
}

/** Exclusive, timed leases of targets, kept in the state store. */
export class Leases {
  readonly counters = { granted: 0, refused: 0, ended: {} as Record<string, number>, unsaved: 0 };
  private readonly table: LeaseTable;
  private readonly rows: LeaseRows;
  private readonly clock: Clock;
  private readonly audit: Audit;
  private readonly effects: LeaseEffects;
  private readonly queue: LeaseQueue;
  /** Open connections of leases that are bound to them. */
  private readonly holds = new Map<string, number>();
  private readonly endings = new Set<(id: string) => void>();
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(rows: LeaseRows, clock: Clock, audit: Audit, effects: LeaseEffects, newFence: () => number) {
    this.table = new LeaseTable(newLeaseId, newFence);
    this.rows = rows;
    this.clock = clock;
    this.audit = audit;
    this.effects = effects;
    this.queue = new LeaseQueue(this.table, clock, {
      grant: (lease, by) => this.enter(lease, by),
      refused: (by, request, code, message) => {
        this.counters.refused += 1;
        this.audit.write(by, { action: "lease", target: request.targets.join(","), status: "refused", code, message });
      },
    });
  }

  /** Takes up the leases from before a restart; those that ran out meanwhile end now. */
  restore(known: (target: string) => boolean): void {
    for (const stored of this.rows.open()) this.resume(stored, known);
    this.look();
  }

  private resume({ lease, granted_ms, expires_ms }: StoredLease, known: (target: string) => boolean): void {
    const wall = this.clock.wall();
    const now = this.clock.mono();
    // A clock that was set back meanwhile gives no more time than the lease had.
    const left = Math.min(expires_ms - wall, lease.ttl_ms);
    const targets = lease.targets.filter(known);
    this.table.restore({ ...lease, targets, granted_ms: now - (wall - granted_ms), expires_ms: now + left });
    for (const target of targets) this.effects.changed(target, this.view(lease.id));
    if (lease.hold) this.expectHold(lease.id);
  }

  /** Takes up leases of a copy that have time left, are not known here, and whose targets are free; returns how many. */
  adopt(copied: StoredLease[], known: (target: string) => boolean): number {
    const wall = this.clock.wall();
    let adopted = 0;
    for (const stored of copied) {
      const { lease, granted_ms, expires_ms } = stored;
      const free = lease.targets.every(
        (target) => known(target) && this.table.of(target) === undefined && !this.table.isEnding(target),
      );
      if (!free || expires_ms <= wall || this.rows.known(lease.id)) continue;
      this.rows.insert({ ...lease, granted_ms, expires_ms }, granted_ms, expires_ms);
      this.resume(stored, known);
      adopted += 1;
    }
    this.look();
    return adopted;
  }

  list(): LeaseView[] {
    return this.table.all().map((lease) => this.viewOf(lease));
  }

  /** Who waits for what, in the order of arrival. */
  waiting(): ReturnType<LeaseQueue["waiting"]> {
    return this.queue.waiting();
  }

  /** Throws `unknown_lease` or `lease_ended`. */
  view(id: string): LeaseView {
    return this.viewOf(this.find(id));
  }

  of(target: string): LeaseView | undefined {
    const lease = this.table.of(target);
    return lease === undefined ? undefined : this.viewOf(lease);
  }

  private find(id: string): Lease {
    const lease = this.table.get(id);
    if (lease !== undefined) return lease;
    if (this.rows.known(id)) throw new BayError("lease_ended", `lease ${id} has ended`, "take a new one");
    throw new BayError("unknown_lease", `there is no lease ${id}`);
  }

  private viewOf(lease: Lease): LeaseView {
    const { id, targets, holder, fence, priority, hold, experiment } = lease;
    const expires_at = new Date(Math.round(this.expiry(lease))).toISOString();
    return { id, targets, holder, expires_at, fence, priority, hold, experiment };
  }

  /** End of a lease by the calendar (ms since the epoch). */
  private expiry(lease: Lease): number {
    return this.clock.wall() + lease.expires_ms - this.clock.mono();
  }

  /** Leases now, or waits up to `wait_ms` for its turn. Refusals are values; `store_failed` is thrown. */
  async acquire(caller: Caller, request: LeaseRequest, wait_ms: number, signal: AbortSignal): Promise<LeaseView | Bad> {
    const lease = await this.queue.acquire(caller, request, wait_ms, signal);
    return "status" in lease ? lease : this.viewOf(lease);
  }

  /** Enters a lease that the table has granted; one that cannot be written down (`store_failed`) is not given. */
  private enter(lease: Lease, by: Caller): void {
    try {
      this.rows.insert(lease, this.clock.wall(), this.expiry(lease));
    } catch (error) {
      this.table.end(lease.id);
      for (const target of lease.targets) this.table.settled(target);
      throw error;
    }
    this.counters.granted += 1;
    const view = this.viewOf(lease);
    const { holder, fence } = lease;
    this.note(lease, "lease", { holder, ttl_s: lease.ttl_ms / 1000, fence }, by);
    for (const target of lease.targets) this.effects.changed(target, view);
    this.look();
  }

  private note(lease: Lease, action: string, args: object, by: Caller): void {
    for (const target of lease.targets) {
      this.audit.write(by, { action, target, args, lease: lease.id, status: "done" });
    }
  }

  /** Sets the time that is left, and where given whether an experiment runs. Throws `unknown_lease`, `lease_ended`, `forbidden`, `store_failed`. */
  renew(caller: Caller, id: string, ttl_ms: number, experiment?: boolean): LeaseView {
    const lease = this.own(caller, id);
    this.rows.renew(id, ttl_ms, this.clock.wall() + ttl_ms, experiment ?? lease.experiment);
    this.table.renew(id, ttl_ms, this.clock.mono(), experiment);
    const view = this.viewOf(lease);
    this.note(lease, "lease-renew", { ttl_s: ttl_ms / 1000 }, caller);
    for (const target of lease.targets) this.effects.changed(target, view);
    this.look();
    return view;
  }

  /** Ends a lease; resolves when the policies of its targets are through. Ending another's is for admins. */
  async release(caller: Caller, id: string): Promise<void> {
    const lease = this.own(caller, id);
    await this.end(lease, lease.user === caller.user ? "released" : "kicked", caller);
  }

  private own(caller: Caller, id: string): Lease {
    const lease = this.find(id);
    if (lease.user === caller.user || caller.role === "admin") return lease;
    throw new BayError("forbidden", `lease ${id} belongs to ${lease.holder}`, "an admin can end it");
  }

  private async end(lease: Lease, reason: EndReason, by: Caller): Promise<void> {
    if (this.table.end(lease.id) === undefined) return;
    this.holds.delete(lease.id);
    for (const told of this.endings) told(lease.id);
    const owed = lease.targets
      .map((target) => ({ target, policy: this.effects.policyOf(target) }))
      .filter(({ policy }) => policy !== "keep");
    try {
      this.rows.end(lease, reason, this.clock.wall(), owed);
    } catch (error) {
      // The end must not wait for the disk. After a restart the lease would come back until its time is over.
      if (!(error instanceof BayError)) throw error;
      this.counters.unsaved += 1;
    }
    this.counters.ended[reason] = (this.counters.ended[reason] ?? 0) + 1;
    this.note(lease, "lease-end", { reason }, by);
    for (const target of lease.targets) {
      this.effects.changed(target, undefined);
      this.effects.cut(target, `the lease of ${lease.holder} has ended (${reason})`);
    }
    await Promise.all(
      lease.targets.map(async (target) => {
        await this.effects.policy(target, lease.id);
        this.table.settled(target);
        // Who waits for this target need not wait for the lease's others.
        this.queue.serve();
      }),
    );
    this.look();
  }

  private endNow(lease: Lease, reason: EndReason, by: Caller): void {
    this.end(lease, reason, by).catch((error: Error) => this.effects.failed(error));
  }

  /** The bay has other targets now: who waits for one that is gone is told so (`unknown_target`). */
  reloaded(known: (target: string) => boolean): void {
    this.queue.refuseUnknown(known);
  }

  /** Tells of every lease that ends; returns how to stop that. */
  onEnd(told: (id: string) => void): () => void {
    this.endings.add(told);
    return () => this.endings.delete(told);
  }

  /**
   * Binds a lease to an open connection; the returned function is called when that closes. Throws `unknown_lease`,
   * `lease_ended`, `forbidden`, and `store_failed` where it would not be known after a restart.
   */
  bind(caller: Caller, id: string): () => void {
    const lease = this.own(caller, id);
    if (!lease.hold) this.rows.hold(id);
    lease.hold = true;
    this.holds.set(id, (this.holds.get(id) ?? 0) + 1);
    let open = true;
    return () => {
      if (!open) return;
      open = false;
      const left = (this.holds.get(id) ?? 1) - 1;
      this.holds.set(id, left);
      const current = this.table.get(id);
      if (left > 0 || current === undefined || this.stopped) return;
      this.endNow(current, "connection-closed", policyCaller("connection closed"));
    };
  }

  private expectHold(id: string): void {
    setTimeout(() => {
      const lease = this.table.get(id);
      if (lease === undefined || this.stopped || (this.holds.get(id) ?? 0) > 0) return;
      this.endNow(lease, "connection-closed", policyCaller("no connection after a restart"));
    }, HOLD_GRACE_MS).unref();
  }

  /** Why a command on a target may not run; undefined when it may. A lease counts only from who has taken it. */
  check(call: Call): Bad | undefined {
    const { caller } = call;
    if (call.kind !== "target" || caller.source === "policy" || harmless.has(call.feature)) return undefined;
    const lease = this.table.of(call.name);
    const named = caller.lease === undefined ? undefined : this.table.get(caller.lease);
    if (caller.lease !== undefined && named === undefined) {
      return refused("lease_ended", `lease ${caller.lease} has ended`, "take a new one");
    }
    const anothers = named !== undefined && ![caller.user, caller.alsoAs].includes(named.user);
    if (!anothers && (lease === undefined || lease === named)) return undefined;
    if (caller.override !== undefined) {
      if (caller.role === "admin") return undefined;
      return refused("forbidden", "only an admin may override a lease");
    }
    if (anothers) {
      const text = `lease ${named.id} belongs to ${named.holder} (${named.user}), and ${caller.user} may not use it`;
      return refused("leased", text, "name a lease of your own, or override it as admin");
    }
    return refused("leased", this.queue.whyNot([call.name]), "name the lease with Mltb-Lease, or wait for its end");
  }

  /** Ends what has run out, and sets the timer for the next. */
  private look(): void {
    if (this.stopped) return;
    clearTimeout(this.timer);
    const now = this.clock.mono();
    for (const lease of this.table.overdue(now)) this.endNow(lease, "expired", policyCaller("time is over"));
    const due = this.table.dueIn(now);
    if (due === undefined) return;
    this.timer = setTimeout(() => this.look(), Math.min(LOOK_MS, Math.ceil(due)));
  }

  /** The calendar clock was set: the times at which leases end are said and stored anew. */
  clockStepped(): void {
    for (const lease of this.table.all()) {
      try {
        this.rows.renew(lease.id, lease.ttl_ms, this.expiry(lease), lease.experiment);
      } catch {
        this.counters.unsaved += 1;
      }
      for (const target of lease.targets) this.effects.changed(target, this.viewOf(lease));
    }
  }

  /** Leases stay as they are for the next start; who waits is refused. */
  stop(): void {
    this.stopped = true;
    this.queue.stop();
    clearTimeout(this.timer);
  }
}
