import { randomBytes } from "node:crypto";

/** Why a lease has ended. */
export type EndReason = "released" | "expired" | "kicked" | "connection-closed";

export interface LeaseRequest {
  targets: string[];
  /** Who holds it, in words for people. */
  holder: string;
  /** The login behind it. */
  user: string;
  ttl_ms: number;
  /** 0 to 9, higher first. */
  priority: number;
  /** Bound to an open connection. */
  hold: boolean;
  /** An experiment runs on the targets while the lease lasts. */
  experiment: boolean;
}

export interface Lease extends LeaseRequest {
  id: string;
  /** Grows with every lease of the bay: commands of an older holder are told by it. */
  fence: number;
  granted_ms: number;
  expires_ms: number;
}

/** A request that waits for its turn. */
export interface Waiter {
  request: LeaseRequest;
  since_ms: number;
  order: number;
}

/** So long a wait counts as much as one step of priority. */
export const AGEING_MS = 30_000;

/**
 * An id for a lease: 72 random bits as hexadecimal digits. It is typed behind a command (`mltb lease release ID`), so it
 * must not begin with `-`, as one id in 64 would in base64url.
 */
export const newLeaseId = (): string => randomBytes(9).toString("hex");

/**
 * Leases of a bay as a pure machine; every time is the caller's monotonic clock in milliseconds.
 *
 * A request is granted when all of its targets are free, all at once or not at all, so that two requests never wait for
 * each other. Waiting requests are served by priority and age together: all of them age alike, so that who stands before
 * whom is settled at arrival, and nobody's turn comes without an event that serves it. One that cannot be served yet keeps its
 * targets from those behind it: a request for many targets is not starved by requests for one.
 */
export class LeaseTable {
  private readonly leases = new Map<string, Lease>();
  private readonly byTarget = new Map<string, Lease>();
  /** The last `grant` ended early, because there was no fence for more. */
  short = false;
  /** Targets whose lease has ended and whose end policy is under way. */
  private readonly ending = new Set<string>();
  private waiting: Waiter[] = [];
  private orders = 0;
  private readonly newId: () => string;
  private readonly newFence: () => number;

  constructor(newId: () => string, newFence: () => number) {
    this.newId = newId;
    this.newFence = newFence;
  }

  all(): Lease[] {
    return [...this.leases.values()];
  }

  queue(): readonly Waiter[] {
    return this.waiting;
  }

  get(id: string): Lease | undefined {
    return this.leases.get(id);
  }

  of(target: string): Lease | undefined {
    return this.byTarget.get(target);
  }

  isEnding(target: string): boolean {
    return this.ending.has(target);
  }

  /** A lease from before a restart. */
  restore(lease: Lease): void {
    this.enter(lease);
  }

  /** Puts a request into the queue; `grant` serves it. */
  enqueue(request: LeaseRequest, now_ms: number): Waiter {
    const waiter = { request, since_ms: now_ms, order: this.orders++ };
    this.waiting.push(waiter);
    return waiter;
  }

  /** Takes a request out of the queue; false where it is not there any more. */
  withdraw(waiter: Waiter): boolean {
    const before = this.waiting.length;
    this.waiting = this.waiting.filter((entry) => entry !== waiter);
    return this.waiting.length < before;
  }

  /** Grants whatever can be granted now, in the order of the queue. Throws what `newFence` throws where it has none at all. */
  grant(now_ms: number): { waiter: Waiter; lease: Lease }[] {
    this.short = false;
    if (this.waiting.length === 0) return [];
    const turn = ({ request, since_ms }: Waiter): number => since_ms - request.priority * AGEING_MS;
    const queue = [...this.waiting].sort((a, b) => turn(a) - turn(b) || a.order - b.order);
    const claimed = new Set<string>();
    const granted: { waiter: Waiter; lease: Lease }[] = [];
    for (const waiter of queue) {
      const { targets } = waiter.request;
      const free = targets.every(
        (target) => !this.byTarget.has(target) && !this.ending.has(target) && !claimed.has(target),
      );
      if (!free) {
        for (const target of targets) claimed.add(target);
        continue;
      }
      let fence: number;
      try {
        fence = this.newFence();
      } catch (error) {
        if (granted.length === 0) throw error;
        // What stands in the table already must be told to those who asked for it.
        this.short = true;
        break;
      }
      const lease: Lease = {
        ...waiter.request,
        id: this.newId(),
        fence,
        granted_ms: now_ms,
        expires_ms: now_ms + waiter.request.ttl_ms,
      };
      this.withdraw(waiter);
      this.enter(lease);
      granted.push({ waiter, lease });
    }
    return granted;
  }

  private enter(lease: Lease): void {
    this.leases.set(lease.id, lease);
    for (const target of lease.targets) this.byTarget.set(target, lease);
  }

  /** Sets the time that is left to `ttl_ms` from now. */
  renew(id: string, ttl_ms: number, now_ms: number, experiment?: boolean): Lease | undefined {
    const lease = this.leases.get(id);
    if (lease === undefined) return undefined;
    lease.ttl_ms = ttl_ms;
    lease.experiment = experiment ?? lease.experiment;
    lease.expires_ms = now_ms + ttl_ms;
    return lease;
  }

  /** Ends a lease; its targets are free when `settled` was called for each. */
  end(id: string): Lease | undefined {
    const lease = this.leases.get(id);
    if (lease === undefined) return undefined;
    this.leases.delete(id);
    for (const target of lease.targets) {
      this.byTarget.delete(target);
      this.ending.add(target);
    }
    return lease;
  }

  /** The end policy of a target is through: it may be leased again. */
  settled(target: string): void {
    this.ending.delete(target);
  }

  /** Leases whose time is over. */
  overdue(now_ms: number): Lease[] {
    return this.all().filter((lease) => lease.expires_ms <= now_ms);
  }

  /** Milliseconds until the next lease runs out; undefined where there is none. */
  dueIn(now_ms: number): number | undefined {
    let due: number | undefined;
    for (const lease of this.leases.values()) due = Math.min(due ?? lease.expires_ms, lease.expires_ms);
    return due === undefined ? undefined : Math.max(0, due - now_ms);
  }
}
