import type { Call, Caller, CommandResult } from "../call.ts";
import type { Database } from "./database.ts";
import type { AuditRow } from "./schema.ts";

const KEPT = 100_000;
const PRUNE_EVERY = 1000;
const TEXT = 1000;

/** One line of the audit log, as HTTP and `mltb log` show it. */
export interface AuditEntry extends Omit<AuditRow, "args"> {
  args: unknown;
}

export interface AuditQuery {
  target?: string;
  /** Only lines before this one. */
  before?: number;
  /** Only lines after this one. */
  after?: number;
  limit: number;
}

/** Who did what, when, from where, and how it ended. The last 100,000 lines are kept. */
export class Audit {
  /** Lines that could not be written. */
  lost = 0;
  /** Told of every line. */
  onEntry: (entry: AuditEntry) => void = () => undefined;
  private readonly database: Database;
  private next = 1;

  constructor(database: Database) {
    this.database = database;
    this.reload();
  }

  /** Goes on behind the newest row, also when others have added some. */
  reload(): void {
    const newest = this.database.build.selectFrom("audit").select("id").orderBy("id", "desc").limit(1);
    this.next = (this.database.first(newest)?.id ?? 0) + 1;
  }

  /** A command that has ended; `accepted` as it went through the gate. */
  command(
    call: Call,
    accepted: { seq: number; fence: number | undefined } | undefined,
    lease: string | undefined,
    result: CommandResult,
  ): void {
    this.write(call.caller, {
      action: call.caller.override === undefined ? call.feature : `${call.feature} (override)`,
      target: call.name,
      args: call.caller.override === undefined ? call.args : { ...asObject(call.args), override: call.caller.override },
      lease,
      accepted_seq: accepted?.seq,
      fence: accepted?.fence,
      status: result.status,
      ...(result.status === "done" ? {} : { code: result.code, message: result.message }),
    });
  }

  /** Writes a line. The log never stops a command: a line that cannot be written is counted. */
  write(
    who: Pick<Caller, "user" | "origin"> & { role: string; source: string },
    what: {
      action: string;
      target?: string;
      args?: unknown;
      lease?: string;
      fence?: number;
      accepted_seq?: number;
      status: string;
      code?: string;
      message?: string;
    },
  ): void {
    const row: AuditRow = {
      id: this.next,
      at: new Date().toISOString(),
      user: who.user,
      role: who.role,
      source: who.source,
      origin: who.origin,
      action: what.action.slice(0, TEXT),
      target: what.target?.slice(0, TEXT) ?? null,
      args: what.args === undefined ? null : JSON.stringify(what.args).slice(0, TEXT),
      lease: what.lease ?? null,
      accepted_seq: what.accepted_seq ?? null,
      status: what.status,
      code: what.code?.replaceAll("_", "-") ?? null,
      message: what.message?.slice(0, TEXT) ?? null,
      fence: what.fence ?? null,
    };
    try {
      this.database.run(this.database.build.insertInto("audit").values(row));
      this.next += 1;
      if (row.id % PRUNE_EVERY === 0) {
        this.database.run(this.database.build.deleteFrom("audit").where("id", "<", row.id - KEPT));
      }
    } catch {
      this.lost += 1;
    }
    this.onEntry(entryOf(row));
  }

  /** Lines, the newest first. */
  read(query: AuditQuery): AuditEntry[] {
    let select = this.database.build.selectFrom("audit").selectAll().orderBy("id", "desc").limit(query.limit);
    if (query.target !== undefined) select = select.where("target", "=", query.target);
    if (query.before !== undefined) select = select.where("id", "<", query.before);
    if (query.after !== undefined) select = select.where("id", ">", query.after);
    return this.database.all(select).map(entryOf);
  }
}

function entryOf(row: AuditRow): AuditEntry {
  return { ...row, args: row.args === null ? null : parsed(row.args) };
}

/** Arguments that were cut to fit are shown as the text that is left of them. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function asObject(args: unknown): object {
  return typeof args === "object" && args !== null ? args : { args };
}
