import { closeSync, mkdirSync, openSync, readdirSync, rmSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";

/** Largest record of a lease, and records that are kept for a target. */
const RECORD_BYTES = 10 * 1024 * 1024;
const RECORDS = 32;
const SUFFIX = ".ndjson";
/** Room for the closing line of a record that is full. */
const CLOSING_BYTES = 200;

/**
 * Records of a target's console, one file for each lease: JSON lines `{"at","line"}` between one that names the lease and
 * one that says how many lines there were and how many found no room.
 */
export class ConsoleLog {
  /** Lines that found no room in their record, and those that could not be written (full disk). */
  readonly dropped = { full: 0, failed: 0 };
  private readonly folder: string;
  private open: { id: string; fd: number; bytes: number; lines: number; full: number } | undefined;

  constructor(folder: string, target: string) {
    this.folder = join(folder, target);
  }

  /** The lease that the target is under from now on; null for none. */
  lease(lease: { id: string; holder: string } | null): void {
    if (this.open?.id === lease?.id) return;
    this.close();
    if (lease === null) return;
    try {
      mkdirSync(this.folder, { recursive: true, mode: 0o700 });
      this.makeRoom();
      const fd = openSync(join(this.folder, `${lease.id}${SUFFIX}`), "a", 0o600);
      this.open = {
        id: lease.id,
        fd,
        bytes: statSync(join(this.folder, `${lease.id}${SUFFIX}`)).size,
        lines: 0,
        full: 0,
      };
      this.put({ event: "lease", id: lease.id, holder: lease.holder, at: new Date().toISOString() });
    } catch {
      this.dropped.failed += 1;
    }
  }

  write(entry: { at: string; line: string }): void {
    const { open } = this;
    if (open === undefined) return;
    if (open.bytes > RECORD_BYTES - CLOSING_BYTES - entry.line.length * 6) {
      open.full += 1;
      this.dropped.full += 1;
      return;
    }
    if (this.put(entry)) open.lines += 1;
  }

  /** The record of a lease; undefined where there is none. */
  file(lease: string): string | undefined {
    if (!/^[A-Za-z0-9_-]+$/.test(lease)) return undefined;
    const file = join(this.folder, `${lease}${SUFFIX}`);
    return statSync(file, { throwIfNoEntry: false })?.isFile() === true ? file : undefined;
  }

  /** Records are written line by line: what a line costs is small beside what a console is, and none is lost in a crash. */
  private put(value: object): boolean {
    const { open } = this;
    if (open === undefined) return false;
    try {
      open.bytes += writeSync(open.fd, `${JSON.stringify(value)}\n`);
      return true;
    } catch {
      this.dropped.failed += 1;
      return false;
    }
  }

  private close(): void {
    const { open } = this;
    if (open === undefined) return;
    this.put({ event: "end", at: new Date().toISOString(), lines: open.lines, dropped: open.full });
    closeSync(open.fd);
    this.open = undefined;
  }

  private makeRoom(): void {
    const files = readdirSync(this.folder)
      .filter((name) => name.endsWith(SUFFIX))
      .map((name) => ({ file: join(this.folder, name), at: statSync(join(this.folder, name)).mtimeMs }))
      .sort((a, b) => b.at - a.at);
    for (const { file } of files.slice(RECORDS - 1)) rmSync(file, { force: true });
  }
}
