import type { Call, Caller, CommandResult } from "../call.ts";
import type { Database } from "./database.ts";

/** Commands that are remembered, and after how many new ones the older are removed. */
const KEPT = 20_000;
const PRUNE_EVERY = 1000;

/** An accepted command that has not ended, from before a restart. */
export interface Orphan {
  user: string;
  source: string;
  /** The sender's id, where it gave one. */
  id: string | undefined;
  kind: "target" | "rack";
  name: string;
  feature: string;
  accepted_seq: number;
  result: CommandResult;
}

/** What the journal knows of a command that came before. */
export interface Remembered {
  /** What was asked, to tell a repetition from another command under the same id. */
  content: string;
  accepted_seq: number | undefined;
  result: CommandResult;
}

/** The key under which a command runs at most once; undefined where the sender gave no id. */
export function keyOf({ source, user, id }: Caller): string | undefined {
  return id === undefined ? undefined : JSON.stringify([source, user, id]);
}

export function contentOf(call: Call): string {
  return `${call.kind} ${call.name} ${call.feature} ${JSON.stringify(call.args ?? {})}`;
}

/**
 * Journal of commands: one is accepted only when it stands here. The last 20,000 are kept; their ids cannot run again,
 * also after a restart.
 */
export class Journal {
  private readonly database: Database;
  private next = 1;

  constructor(database: Database) {
    this.database = database;
    this.reload();
  }

  /** Goes on behind the newest row, also when others have added some. */
  reload(): void {
    const newest = this.database.build.selectFrom("commands").select("id").orderBy("id", "desc").limit(1);
    this.next = (this.database.first(newest)?.id ?? 0) + 1;
  }

  /** Writes an accepted command down; throws `store_failed`. Returns its number in the journal. */
  accept(call: Call, seq: number, fence: number | undefined): number {
    return this.insert(call, "accepted", seq, fence, undefined);
  }

  /** Remembers a refusal under the id of its command, so that a repetition is refused too. */
  refuse(call: Call, result: CommandResult): void {
    this.insert(call, "refused", undefined, undefined, result);
  }

  end(id: number, result: CommandResult): void {
    const values = { status: result.status, result: JSON.stringify(result) };
    this.database.run(this.database.build.updateTable("commands").set(values).where("id", "=", id));
  }

  find(key: string): Remembered | undefined {
    const row = this.database.first(
      this.database.build.selectFrom("commands").selectAll().where("key", "=", key).limit(1),
    );
    if (row === undefined || row.result === null) return undefined;
    return {
      content: `${row.kind} ${row.name} ${row.feature} ${row.args}`,
      accepted_seq: row.accepted_seq ?? undefined,
      result: JSON.parse(row.result) as CommandResult,
    };
  }

  /** Commands that the process before had accepted and not ended: they get the outcome `unknown`. */
  recover(): Orphan[] {
    const { build } = this.database;
    const result: CommandResult = {
      status: "unknown",
      code: "outcome_unknown",
      message: "the supervisor ended while the command ran; the state is read again",
    };
    const rows = this.database.all(build.selectFrom("commands").selectAll().where("status", "=", "accepted"));
    for (const row of rows) this.end(row.id, result);
    return rows.map((row) => ({
      user: row.user,
      source: row.source,
      id: row.key === null ? undefined : (JSON.parse(row.key) as string[])[2],
      kind: row.kind as "target" | "rack",
      name: row.name,
      feature: row.feature,
      accepted_seq: row.accepted_seq ?? 0,
      result,
    }));
  }

  private insert(
    call: Call,
    status: string,
    accepted_seq: number | undefined,
    fence: number | undefined,
    result: CommandResult | undefined,
  ): number {
    const id = this.next;
    this.database.run(
      this.database.build.insertInto("commands").values({
        id,
        key: keyOf(call.caller) ?? null,
        accepted_seq: accepted_seq ?? null,
        at: new Date().toISOString(),
        user: call.caller.user,
        source: call.caller.source,
        kind: call.kind,
        name: call.name,
        feature: call.feature,
        args: JSON.stringify(call.args ?? {}),
        lease: call.caller.lease ?? null,
        fence: fence ?? null,
        status,
        result: result === undefined ? null : JSON.stringify(result),
      }),
    );
    this.next += 1;
    if (id % PRUNE_EVERY === 0) {
      const old = this.database.build.deleteFrom("commands").where("id", "<", id - KEPT);
      this.database.run(old.where("status", "!=", "accepted"));
    }
    return id;
  }
}
