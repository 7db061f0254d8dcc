import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import {
  type Compilable,
  DummyDriver,
  type InferResult,
  Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from "kysely";
import type { WorkflowNode } from "../configurator/types.ts";
import { sha256 } from "../results/record.ts";
import { apply, replay } from "./machine.ts";
import { identityOf, livesAs } from "./process-identity.ts";
import type { JournalPort } from "./worker.ts";
import type { RunEvent } from "./workflow.ts";

/** How soon a worker sees what another process has written: a hold, a cancellation. */
const POLL_MS = 250;
const SQLITE_CONSTRAINT_PRIMARYKEY = 1555;

interface Tables {
  configurations: { hash: string; json: string; stored_at: string };
  runs: {
    run_id: string;
    experiment: string;
    folder: string;
    configuration: string;
    started_at: string;
    /** Process that works on it, so that two do not. */
    worker_pid: number | null;
    /** What tells it from others of that id; null where nobody knows. */
    worker_identity: string | null;
  };
  events: { run_id: string; n: number; at: string; event: string };
}

const schema = `
create table if not exists configurations (hash text primary key, json text not null, stored_at text not null);
create table if not exists runs (run_id text primary key, experiment text not null, folder text not null,
  configuration text not null references configurations(hash), started_at text not null, worker_pid integer,
  worker_identity text);
create table if not exists events (run_id text not null references runs(run_id), n integer not null, at text not null,
  event text not null, primary key (run_id, n)) without rowid;
`;

export interface RunRow {
  run_id: string;
  experiment: string;
  folder: string;
  configuration: string;
  started_at: string;
  worker_pid: number | null;
  worker_identity: string | null;
}

/** A journal entry with its time. */
export interface Entry {
  at: string;
  event: RunEvent;
}

/**
 * Runs and their events in a SQLite file, and every configuration that was run, by its hash. Several processes may use it: an
 * event is written only at the place where its writer saw the end.
 */
export class SqliteJournal implements JournalPort {
  private readonly db: DatabaseSync;
  private readonly statements = new Map<string, StatementSync>();
  /** This process, as the worker of a run. */
  private readonly self = { worker_pid: process.pid, worker_identity: identityOf(process.pid) };
  private readonly build = new Kysely<Tables>({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new SqliteIntrospector(db),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  });

  /** Opens or makes the file. */
  constructor(file: string) {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    this.db = new DatabaseSync(file, { timeout: 5000 });
    // What is written survives the death of the process at any point. A power cut of the host may take the last events, and costs
    // no synchronisation at every step: boards are looked at before they are commanded, so that no action comes twice for it.
    this.db.exec(`pragma journal_mode = wal; pragma synchronous = normal; ${schema}`);
    this.upgrade();
  }

  /** Files of earlier versions have nothing to tell a worker by but its id. */
  private upgrade(): void {
    const columns = this.db.prepare("pragma table_info(runs)");
    const lacks = (): boolean => !columns.all().some(({ name }) => name === "worker_identity");
    if (!lacks()) return;
    this.whole(() => {
      // Another process may have been faster.
      if (lacks()) this.db.exec("alter table runs add column worker_identity text");
    });
  }

  private statement(sql: string): StatementSync {
    const known = this.statements.get(sql) ?? this.db.prepare(sql);
    this.statements.set(sql, known);
    return known;
  }

  private run(query: Compilable): number {
    const { sql, parameters } = query.compile();
    return Number(this.statement(sql).run(...(parameters as SQLInputValue[])).changes);
  }

  private all<Q extends Compilable>(query: Q): InferResult<Q> {
    const { sql, parameters } = query.compile();
    return this.statement(sql).all(...(parameters as SQLInputValue[])) as InferResult<Q>;
  }

  async append(run_id: string, after: number, event: RunEvent): Promise<boolean> {
    const values = { run_id, n: after, at: new Date().toISOString(), event: JSON.stringify(event) };
    try {
      this.run(this.build.insertInto("events").values(values));
      return true;
    } catch (error) {
      if ((error as { errcode?: number }).errcode === SQLITE_CONSTRAINT_PRIMARYKEY) return false;
      throw error;
    }
  }

  async read(run_id: string, from: number): Promise<RunEvent[]> {
    return this.entries(run_id, from).map((entry) => entry.event);
  }

  entries(run_id: string, from = 0): Entry[] {
    const query = this.build
      .selectFrom("events")
      .select(["at", "event"])
      .where("run_id", "=", run_id)
      .where("n", ">=", from)
      .orderBy("n");
    return this.all(query).map((row) => ({ at: row.at, event: JSON.parse(row.event) as RunEvent }));
  }

  /** Opens a run with its first event, and stores its configuration under its hash. Throws `EventError`, and changes nothing, where the event is none that begins a run. */
  async create(
    run: { run_id: string; experiment: string; folder: string; configuration: unknown },
    submitted: RunEvent,
  ): Promise<string> {
    replay([submitted]);
    const { run_id } = run;
    const at = new Date().toISOString();
    return this.whole(() => {
      const configuration = this.store(run.configuration);
      const row = { ...run, configuration, started_at: at, ...this.self };
      this.run(this.build.insertInto("runs").values(row));
      this.run(this.build.insertInto("events").values({ run_id, n: 0, at, event: JSON.stringify(submitted) }));
      return configuration;
    });
  }

  /** Does all of it, or nothing. */
  private whole<T>(body: () => T): T {
    this.db.exec("begin immediate");
    try {
      const result = body();
      this.db.exec("commit");
      return result;
    } catch (error) {
      this.db.exec("rollback");
      throw error;
    }
  }

  /** Stores a configuration; equal ones are stored once. Returns its hash. */
  store(configuration: unknown): string {
    const json = JSON.stringify(configuration);
    const hash = sha256(json);
    const values = { hash, json, stored_at: new Date().toISOString() };
    this.run(
      this.build
        .insertInto("configurations")
        .values(values)
        .onConflict((on) => on.doNothing()),
    );
    return hash;
  }

  /** A configuration by its hash, or by the beginning of it where that is enough; undefined where there is none. */
  find(hash: string): { hash: string; experiments: unknown[] } | undefined {
    if (!/^[0-9a-f]{4,64}$/.test(hash)) return undefined;
    const query = this.build.selectFrom("configurations").select(["hash", "json"]).where("hash", "like", `${hash}%`);
    const [row, second] = this.all(query.limit(2));
    return row === undefined || second !== undefined
      ? undefined
      : { hash: row.hash, experiments: JSON.parse(row.json) };
  }

  /** Parameters of a component in a configuration; undefined where either is not known. */
  parametersOf(hash: string, component: string): Record<string, unknown> | undefined {
    const experiments = (this.find(hash)?.experiments ?? []) as { workflow?: WorkflowNode[] }[];
    return experiments.flatMap(({ workflow }) => workflow ?? []).find((entry) => entry.component === component)
      ?.parameters;
  }

  /**
   * What a component pulls instead of being given it in a call: its parameters in a configuration. Throws where the
   * configuration is not known or has no such component.
   */
  async parameters(hash: string, component: string): Promise<Record<string, unknown>> {
    const parameters = this.parametersOf(hash, component);
    if (parameters === undefined) throw new Error(`configuration ${hash.slice(0, 12)} has no component ${component}`);
    return parameters;
  }

  runs(): RunRow[] {
    return this.all(this.build.selectFrom("runs").selectAll().orderBy("started_at", "desc"));
  }

  /** A living process works on the run. */
  worked({ worker_pid, worker_identity }: RunRow): boolean {
    return worker_pid !== null && livesAs(worker_pid, worker_identity);
  }

  /** Takes over a run whose worker is gone; false while it lives. */
  takeOver(run_id: string): boolean {
    const row = this.runs().find((run) => run.run_id === run_id);
    if (row === undefined) return false;
    const { worker_pid, worker_identity } = row;
    const { self } = this;
    const mine =
      worker_pid === self.worker_pid && (worker_identity === null || worker_identity === self.worker_identity);
    if (!mine && this.worked(row)) return false;
    let free = this.build.updateTable("runs").set(self).where("run_id", "=", run_id);
    free = worker_pid === null ? free.where("worker_pid", "is", null) : free.where("worker_pid", "=", worker_pid);
    if (worker_identity === null) free = free.where("worker_identity", "is", null);
    else free = free.where("worker_identity", "=", worker_identity);
    return this.run(free) === 1;
  }

  /** No process works on the run any more. */
  leave(run_id: string): void {
    this.run(
      this.build.updateTable("runs").set({ worker_pid: null, worker_identity: null }).where("run_id", "=", run_id),
    );
  }

  /** Appends an event of somebody who is not the worker, such as a hold. Throws `EventError` where it does not fit. */
  async add(run_id: string, event: RunEvent): Promise<void> {
    for (;;) {
      const events = await this.read(run_id, 0);
      apply(events.length === 0 ? undefined : replay(events), event);
      if (await this.append(run_id, events.length, event)) return;
    }
  }

  /** Resolves when another process may have written. */
  pause(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }

  close(): void {
    if (this.db.isOpen) this.db.close();
  }
}
