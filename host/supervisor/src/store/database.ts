import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { backup, DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { BayError } from "@mltb/contract";
import {
  type Compilable,
  DummyDriver,
  type InferResult,
  Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from "kysely";
import { migrations, type Tables } from "./schema.ts";

export { backup, DatabaseSync };

const STATEMENTS = 200;
/** Pages of the log, 33 MB, at which a commit makes a checkpoint itself; `Checkpoints` makes them long before. */
const LOG_PAGES = 8000;
/**
 * Another process may hold the file; the event loop waits for it no longer than this, and while it is held, only once:
 * waits that follow each other would keep links and brokers unserved until boards count as lost.
 */
const BUSY_MS = 100;
/** Result codes of SQLite: https://www.sqlite.org/rescode.html */
const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

/**
 * The supervisor's SQLite file. Queries are built by kysely and run synchronously, so that nothing can come between a
 * check and its record. WAL with `synchronous=normal`: what is written survives the death of the process at any point;
 * the last writes before a power failure of the host may be lost, the file stays sound (docs/state.md has the figures).
 */
export class Database {
  readonly file: string;
  /** Told of every statement that writes. */
  onWrite: () => void = () => undefined;
  /** Builds queries; they are run by `run`, `all` and `first`. */
  readonly build: Kysely<Tables>;
  private readonly db: DatabaseSync;
  /** The file was held at the last attempt. */
  private held = false;
  private readonly statements = new Map<string, StatementSync>();

  /** Opens or makes the file. Throws `store_failed` where it is damaged, of a newer version, or cannot be written. */
  constructor(file: string) {
    this.file = file;
    this.build = new Kysely<Tables>({
      dialect: {
        createAdapter: () => new SqliteAdapter(),
        createDriver: () => new DummyDriver(),
        createIntrospector: (db) => new SqliteIntrospector(db),
        createQueryCompiler: () => new SqliteQueryCompiler(),
      },
    });
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    this.db = guarded(file, () => new DatabaseSync(file, { timeout: BUSY_MS }));
    try {
      guarded(file, () => {
        this.db.exec("pragma journal_mode = wal; pragma synchronous = normal; pragma journal_size_limit = 8388608");
        this.db.exec(`pragma wal_autocheckpoint = ${LOG_PAGES}`);
        this.migrate();
      });
    } catch (error) {
      this.db.close();
      throw error;
    }
  }

  private migrate(): void {
    const { user_version: version } = this.db.prepare("pragma user_version").get() as { user_version: number };
    if (version > migrations.length) {
      throw new BayError(
        "store_failed",
        `${this.file} was written by a newer version (schema ${version}, known up to ${migrations.length})`,
        "use the newer version, or another state folder",
      );
    }
    for (let next = version; next < migrations.length; next += 1) {
      this.db.exec(`begin immediate; ${migrations[next]} pragma user_version = ${next + 1}; commit`);
    }
  }

  /** Runs a statement; returns the number of rows that it changed. */
  run(query: Compilable): number {
    const { statement, parameters } = this.prepare(query);
    const changes = this.patiently(() => Number(statement.run(...parameters).changes));
    this.onWrite();
    return changes;
  }

  /** Writes; waits for another process only where the attempt before did not find the file held. */
  private patiently<T>(body: () => T): T {
    return guarded(this.file, () => {
      try {
        const value = body();
        if (this.held) this.waitFor(false);
        return value;
      } catch (error) {
        const busy = ((error as { errcode?: number }).errcode ?? 0) % 256 === SQLITE_BUSY;
        if (busy !== this.held) this.waitFor(busy);
        throw error;
      }
    });
  }

  private waitFor(held: boolean): void {
    this.held = held;
    this.db.exec(`pragma busy_timeout = ${held ? 0 : BUSY_MS}`);
  }

  all<Q extends Compilable>(query: Q): InferResult<Q> {
    const { statement, parameters } = this.prepare(query);
    return guarded(this.file, () => statement.all(...parameters)) as InferResult<Q>;
  }

  first<Q extends Compilable>(query: Q): InferResult<Q>[number] | undefined {
    return this.all(query)[0];
  }

  /** All of it or nothing. */
  transaction<T>(body: () => T): T {
    this.patiently(() => this.db.exec("begin immediate"));
    try {
      const value = body();
      guarded(this.file, () => this.db.exec("commit"));
      return value;
    } catch (error) {
      if (this.db.isTransaction) this.db.exec("rollback");
      throw error;
    }
  }

  private prepare(query: Compilable): { statement: StatementSync; parameters: SQLInputValue[] } {
    const { sql, parameters } = query.compile();
    let statement = this.statements.get(sql);
    if (statement === undefined) {
      statement = guarded(this.file, () => this.db.prepare(sql));
      this.statements.set(sql, statement);
      if (this.statements.size > STATEMENTS) this.statements.delete(this.statements.keys().next().value as string);
    }
    return { statement, parameters: parameters as SQLInputValue[] };
  }

  /** Runs a pragma, such as a limit of pages in a test of a full disk. */
  pragma(text: string): void {
    guarded(this.file, () => this.db.exec(`pragma ${text}`));
  }

  /** Makes another file's tables readable as `other.NAME` while `body` runs. */
  withAttached<T>(file: string, body: () => T): T {
    guarded(file, () => this.db.prepare("attach database ? as other").run(file));
    try {
      return body();
    } finally {
      this.statements.clear();
      this.db.exec("detach database other");
    }
  }

  /** Rows of a table. */
  count(table: string): number {
    return Number((this.db.prepare(`select count(*) as n from main.${table}`).get() as { n: number }).n);
  }

  /** Runs SQL that no query builder is needed for. */
  execute(sql: string): void {
    guarded(this.file, () => this.db.exec(sql));
  }

  close(): void {
    if (this.db.isOpen) this.db.close();
  }
}

function guarded<T>(file: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    const { errcode, message } = error as { errcode?: number; message: string };
    if (error instanceof BayError || errcode === undefined) throw error;
    const damaged = errcode === SQLITE_NOTADB || (errcode & 0xff) === SQLITE_CORRUPT;
    throw new BayError(
      "store_failed",
      `the state store ${file}: ${message}`,
      damaged
        ? "restore a copy with `mltb state restore FILE`, or move the file away to begin anew"
        : "is there space, and may this user write the state folder?",
    );
  }
}
