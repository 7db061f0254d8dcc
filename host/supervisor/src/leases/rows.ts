import type { Database } from "../store/database.ts";
import type { EndReason, Lease } from "./table.ts";

const KEPT = 5000;
const PRUNE_EVERY = 500;

/** A lease with its times by the calendar (ms since the epoch). */
export interface StoredLease {
  lease: Omit<Lease, "granted_ms" | "expires_ms">;
  granted_ms: number;
  expires_ms: number;
}

/** Leases in the state store, by the calendar's clock; the table itself counts in monotonic time. */
export class LeaseRows {
  private readonly database: Database;
  private ended = 0;

  constructor(database: Database) {
    this.database = database;
  }

  insert(lease: Lease, granted_ms: number, expires_ms: number): void {
    this.database.run(
      this.database.build.insertInto("leases").values({
        id: lease.id,
        targets: JSON.stringify(lease.targets),
        holder: lease.holder,
        user: lease.user,
        priority: lease.priority,
        ttl_ms: lease.ttl_ms,
        hold: lease.hold ? 1 : 0,
        experiment: lease.experiment ? 1 : 0,
        fence: lease.fence,
        granted_ms: Math.round(granted_ms),
        expires_ms: Math.round(expires_ms),
        ended_ms: null,
        end_reason: null,
      }),
    );
  }

  renew(id: string, ttl_ms: number, expires_ms: number, experiment: boolean): void {
    const values = { ttl_ms, expires_ms: Math.round(expires_ms), experiment: experiment ? 1 : 0 };
    this.database.run(this.database.build.updateTable("leases").set(values).where("id", "=", id));
  }

  /** The lease is bound to a connection from now on, also after a restart. */
  hold(id: string): void {
    this.database.run(this.database.build.updateTable("leases").set({ hold: 1 }).where("id", "=", id));
  }

  /** Records the end together with what is owed to the targets. */
  end(lease: Lease, reason: EndReason, ended_ms: number, owed: { target: string; policy: string }[]): void {
    const { build } = this.database;
    const values = { ended_ms: Math.round(ended_ms), end_reason: reason };
    const ending = build.updateTable("leases").set(values).where("id", "=", lease.id);
    if (owed.length === 0) this.database.run(ending);
    else {
      this.database.transaction(() => {
        this.database.run(ending);
        for (const { target, policy } of owed) {
          this.database.run(build.insertInto("owed").orReplace().values({ target, policy, lease: lease.id }));
        }
      });
    }
    this.ended += 1;
    if (this.ended % PRUNE_EVERY === 0) this.prune();
  }

  private prune(): void {
    const { build } = this.database;
    const oldest = build
      .selectFrom("leases")
      .select("fence")
      .where("ended_ms", "is not", null)
      .orderBy("fence", "desc")
      .limit(1)
      .offset(KEPT);
    const row = this.database.first(oldest);
    if (row === undefined) return;
    this.database.run(build.deleteFrom("leases").where("ended_ms", "is not", null).where("fence", "<=", row.fence));
  }

  /** Leases that had not ended, with the calendar time at which they run out. */
  open(): StoredLease[] {
    const rows = this.database.all(
      this.database.build.selectFrom("leases").selectAll().where("ended_ms", "is", null).orderBy("fence"),
    );
    return rows.map((row) => ({
      lease: {
        id: row.id,
        targets: JSON.parse(row.targets) as string[],
        holder: row.holder,
        user: row.user,
        priority: row.priority,
        ttl_ms: row.ttl_ms,
        hold: row.hold === 1,
        experiment: row.experiment === 1,
        fence: row.fence,
      },
      granted_ms: row.granted_ms,
      expires_ms: row.expires_ms,
    }));
  }

  /** Whether there was such a lease. */
  known(id: string): boolean {
    return (
      this.database.first(this.database.build.selectFrom("leases").select("id").where("id", "=", id)) !== undefined
    );
  }

  owed(): { target: string; policy: string; lease: string }[] {
    return this.database.all(this.database.build.selectFrom("owed").selectAll());
  }

  settle(target: string): void {
    this.database.run(this.database.build.deleteFrom("owed").where("target", "=", target));
  }
}
