/** Tables of the supervisor's state (`state.db`), and the steps that bring an older file up to date. */

/** A command that was accepted, or refused after its id was known. */
interface CommandRow {
  id: number;
  /** User and id of the command, or idempotency key: what may run once. */
  key: string | null;
  accepted_seq: number | null;
  at: string;
  user: string;
  source: string;
  kind: string;
  name: string;
  feature: string;
  /** JSON. */
  args: string;
  lease: string | null;
  fence: number | null;
  /** `accepted` until it has ended; then how. */
  status: string;
  /** The result as JSON, when it has ended. */
  result: string | null;
}

export interface LeaseRow {
  id: string;
  /** JSON list. */
  targets: string;
  holder: string;
  user: string;
  priority: number;
  ttl_ms: number;
  hold: number;
  experiment: number;
  fence: number;
  granted_ms: number;
  /** Milliseconds since the epoch. */
  expires_ms: number;
  ended_ms: number | null;
  end_reason: string | null;
}

export interface AuditRow {
  id: number;
  at: string;
  user: string;
  role: string;
  source: string;
  /** Address of the peer, or what acted. */
  origin: string;
  action: string;
  target: string | null;
  /** JSON. */
  args: string | null;
  lease: string | null;
  accepted_seq: number | null;
  status: string;
  code: string | null;
  message: string | null;
  /** Of the target's lease when the command was accepted. */
  fence: number | null;
}

export interface Tables {
  commands: CommandRow;
  leases: LeaseRow;
  audit: AuditRow;
  /** Numbers that never go back: each is at least as large as any that was given out. */
  numbers: { name: string; value: number };
  /** End policies that could not be carried out yet. */
  owed: { target: string; policy: string; lease: string };
}

/** One step for each version of the schema; a file of version N runs the steps from N on. */
export const migrations: string[] = [
  `create table commands (id integer primary key, key text unique, accepted_seq integer, at text not null,
     user text not null, source text not null, kind text not null, name text not null, feature text not null,
     args text not null, lease text, fence integer, status text not null, result text) strict;
   create index commands_open on commands (id) where status = 'accepted';
   create table leases (id text primary key, targets text not null, holder text not null, user text not null,
     priority integer not null, ttl_ms integer not null, hold integer not null, fence integer not null,
     granted_ms integer not null, expires_ms integer not null, ended_ms integer, end_reason text) strict;
   create index leases_open on leases (id) where ended_ms is null;
   create table audit (id integer primary key, at text not null, user text not null, role text not null,
     source text not null, origin text not null, action text not null, target text, args text, lease text,
     accepted_seq integer, status text not null, code text, message text) strict;
   create index audit_target on audit (target, id);
   create table numbers (name text primary key, value integer not null) strict;
   create table owed (target text primary key, policy text not null, lease text not null) strict;`,
  "alter table leases add column experiment integer not null default 0;",
  "alter table audit add column fence integer;",
];
