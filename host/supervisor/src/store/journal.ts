import { type Call, type Caller, type CommandResult, switching } from "../call.ts";
import type { Database } from "./database.ts";
import type { Tables } from "./schema.ts";

/** Commands that are remembered however old they are, and after how many new ones the older are removed. */
const KEPT = 20_000;
const PRUNE_EVERY = 1000;
/** Younger ones are remembered too, as long as there are no more than so many. */
const YOUNG_MS = 3_600_000;
const KEPT_MOST = 100_000;
/** Time without power of a cycle that names none. */
const DWELL_MS = 1000;

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

/** A cycle that the process before had begun, and that only a supervisor completes: its target may be off. */
export interface UnfinishedCycle {
  /** Its place in the journal, which stays open. */
  entry: number;
  target: string;
  accepted_seq: number;
  user: string;
  /** The time without power that was asked for. */
  off_ms: number;
}

/** What the journal knows of a command that came before. */
export interface Remembered {
  /** What was asked, to tell a repetition from another command under the same id. */
  content: string;
  accepted_seq: number | undefined;
  result: CommandResult;
}

/** What becomes known of a command after it was accepted. */
interface Written {
  status?: string;
  result?: string;
}

/** The key under which a command runs at most once; undefined where the sender gave no id. */
export function keyOf({ source, user, id }: Caller): string | undefined {
  return id === undefined ? undefined : JSON.stringify([source, user, id]);
}

export function contentOf(call: Call): string {
  return `${call.kind} ${call.name} ${call.feature} ${JSON.stringify(call.args ?? {})}`;
}

/**
 * Journal of commands: one is accepted only when it stands here. The last 20,000 and those of the last hour, 100,000 at most,
 * are kept; their ids cannot run again, also after a restart.
 */
export class Journal {
  private readonly database: Database;
  private next = 1;
  /** What could not be written of commands that stand here, by their numbers. */
  private readonly unwritten = new Map<number, Written>();

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

  /** Writes down how a command ended. Throws `store_failed`; what cannot be written now is written by `settle`. */
  end(id: number, result: CommandResult): void {
    this.write(id, { status: result.status, result: JSON.stringify(result) });
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

  /**
   * Commands that the process before had accepted and not ended: they get the outcome `unknown`. A cycle of a target that is `foreign`
   * nobody else completes: it is given back as unfinished, and its row stays open until `close`, for every start in between.
   */
  recover(foreign: (target: string) => boolean): { orphans: Orphan[]; unfinished: UnfinishedCycle[] } {
    const { build } = this.database;
    const result: CommandResult = {
      status: "unknown",
      code: "outcome_unknown",
      message: "the supervisor ended while the command ran; the state is read again",
    };
    const rows = this.database.all(
      build.selectFrom("commands").selectAll().where("status", "=", "accepted").orderBy("id"),
    );
    const unfinished = unfinishedOf(rows, foreign, (target) => this.newestSwitching(target));
    for (const row of rows) {
      const open = unfinished.some(({ entry }) => entry === row.id);
      this.write(row.id, { result: JSON.stringify(result), ...(open ? {} : { status: "unknown" }) });
    }
    const orphans = rows
      .filter((row) => row.result === null)
      .map((row) => ({
        user: row.user,
        source: row.source,
        id: row.key === null ? undefined : (JSON.parse(row.key) as string[])[2],
        kind: row.kind as "target" | "rack",
        name: row.name,
        feature: row.feature,
        accepted_seq: row.accepted_seq ?? 0,
        result,
      }));
    return { orphans, unfinished };
  }

  /**
   * Writes what could not be written before: a cycle that has ended must not be found open by the next start. Throws
   * `store_failed`.
   */
  settle(): void {
    for (const [id, values] of this.unwritten) {
      this.update(id, values);
      this.unwritten.delete(id);
    }
  }

  /** Nothing is left to do for a cycle that `recover` gave back; as `end` does. */
  close(id: number): void {
    this.write(id, { status: "unknown" });
  }

  private write(id: number, values: Written): void {
    this.unwritten.set(id, { ...this.unwritten.get(id), ...values });
    this.settle();
  }

  private update(id: number, values: Written): void {
    this.database.run(this.database.build.updateTable("commands").set(values).where("id", "=", id));
  }

  /** The place of the newest command that said what a target's power shall be. */
  private newestSwitching(target: string): number | undefined {
    const commands = this.database.build.selectFrom("commands").select("id").where("kind", "=", "target");
    const newest = commands.where("name", "=", target).where("feature", "in", [...switching]);
    return this.database.first(newest.where("accepted_seq", "is not", null).orderBy("accepted_seq", "desc").limit(1))
      ?.id;
  }

  private insert(
    call: Call,
    status: string,
    accepted_seq: number | undefined,
    fence: number | undefined,
    result: CommandResult | undefined,
  ): number {
    this.settle();
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
    if (id % PRUNE_EVERY === 0) this.prune(id);
    return id;
  }

  private prune(newest: number): void {
    const { build } = this.database;
    const hour = new Date(Date.now() - YOUNG_MS).toISOString();
    const beyond = build
      .selectFrom("commands")
      .select("id")
      .where("id", "<", newest - KEPT);
    const young = this.database.first(beyond.where("at", ">=", hour).orderBy("id").limit(1));
    const from = Math.max(young?.id ?? newest - KEPT, newest - KEPT_MOST);
    this.database.run(build.deleteFrom("commands").where("id", "<", from).where("status", "!=", "accepted"));
  }
}

/**
 * Of open commands, those that leave a foreign target to be switched on: the newest that said what its power shall be asks for power,
 * and a cycle may have taken it away. One that has its answer and is open was found so by an earlier start.
 */
function unfinishedOf(
  open: Tables["commands"][],
  foreign: (target: string) => boolean,
  newest: (target: string) => number | undefined,
): UnfinishedCycle[] {
  const powers = open.filter(({ kind, feature, name }) => kind === "target" && feature === "power" && foreign(name));
  const argsOf = (row: Tables["commands"]) => JSON.parse(row.args) as { state: string; off_ms?: number };
  return powers.flatMap((row) => {
    const { id: entry, name: target, user, accepted_seq } = row;
    const { state, off_ms = DWELL_MS } = argsOf(row);
    if (newest(target) !== entry || (state !== "on" && state !== "cycle")) return [];
    const begun = powers.some((other) => other.name === target && argsOf(other).state === "cycle");
    if (!begun && row.result === null) return [];
    return [{ entry, target, user, accepted_seq: accepted_seq ?? 0, off_ms: state === "cycle" ? off_ms : 0 }];
  });
}
