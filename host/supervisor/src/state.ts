import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Bay, BayError, bayTargets } from "@mltb/contract";
import { type Caller, policyCaller, switching } from "./call.ts";
import { type Clock, ClockWatch, systemClock } from "./clock.ts";
import type { Commands } from "./commands.ts";
import type { BayHub } from "./events.ts";
import { Gate } from "./gate.ts";
import { Cuts } from "./leases/cuts.ts";
import { EndPolicies } from "./leases/end-policy.ts";
import { Leases } from "./leases/leases.ts";
import { LeaseRows } from "./leases/rows.ts";
import { Audit } from "./store/audit.ts";
import { RESTORE_FILE, STATE_FILE } from "./store/copy.ts";
import { Database } from "./store/database.ts";
import { Journal, type Orphan } from "./store/journal.ts";
import { mergeCopy } from "./store/merge.ts";
import { GrowingNumber } from "./store/numbers.ts";
import { Unfinished } from "./unfinished.ts";

const CLOCK_MS = 1000;

/** What a bay remembers across restarts, and what guards its commands with it. */
export interface BayStateStore {
  database: Database;
  audit: Audit;
  leases: Leases;
  policies: EndPolicies;
  unfinished: Unfinished;
  cuts: Cuts;
  clock: ClockWatch;
  /** Commands that the process before had accepted and not ended. */
  orphans: Orphan[];
  /** Takes up the copy that lies in the state folder; nothing that is known here is forgotten. */
  restore(caller: Caller): { commands: number; leases: number; audit: number };
  close(): void;
}

/** Opens the state store and puts gate, leases and audit log before the commands of a bay. */
export function openState(
  folder: string,
  bay: Bay,
  commands: Commands,
  hub: BayHub,
  onError: (error: Error) => void,
  time: Clock = systemClock,
): BayStateStore {
  const database = new Database(join(folder, STATE_FILE));
  const journal = new Journal(database);
  const foreign = (target: string): boolean =>
    bayTargets(bay).some((entry) => entry.target.target === target && entry.rack.board.kind === "foreign");
  const { orphans, unfinished: cycles } = journal.recover(foreign);
  const audit = new Audit(database);
  const rows = new LeaseRows(database);
  const fences = new GrowingNumber(database, "fence");
  const seqs = new GrowingNumber(database, "accepted_seq");
  const cuts = new Cuts();
  const unfinished = new Unfinished({ commands, journal, audit, foreign, onError });
  const policies = new EndPolicies(commands, rows, onError, (target) => unfinished.pending(target));
  const clock = new ClockWatch(time);
  // Looked up each time: the bay's racks may be others after a reload.
  const knows = (target: string): boolean => bayTargets(bay).some((entry) => entry.target.target === target);
  // A reload may have taken a target away that a lease still names: nothing is done there.
  const policyOf = (target: string): string => commands.lookup(target)?.channel.onLeaseEnd ?? "keep";
  const effects = {
    changed: (target: string, lease: ReturnType<Leases["of"]>): void => {
      const channel = commands.lookup(target)?.channel;
      if (channel === undefined) return;
      channel.lease = lease === undefined ? null : { id: lease.id, holder: lease.holder, expires_at: lease.expires_at };
      hub.emit("lease", target, lease ?? null);
    },
    cut: (target: string, reason: string): void => void cuts.cut(target, reason),
    policy: (target: string, lease: string) => policies.carryOut(target, policyOf(target), lease),
    policyOf,
    failed: onError,
  };
  const leases = new Leases(rows, time, audit, effects, () => fences.next());
  commands.gate = new Gate(journal, audit, leases, () => seqs.next());
  commands.onAccepted = (caller, target, feature) => {
    if (!switching.has(feature)) return undefined;
    unfinished.overtaken(caller, target);
    return caller.source === "policy" ? undefined : policies.overtaking(target);
  };
  // What happens without a command: the front panel, and what the board does by itself.
  hub.on("power", (target, cause, source) => {
    if (source !== "local" && (source !== "policy" || cause === "command")) return;
    const who = { user: source, role: "", source: source === "local" ? "panel" : "policy", origin: target.rack };
    audit.write(who, { action: "power", target: target.name, args: { cause }, status: target.power });
  });
  clock.onStep = (step_ms) => {
    leases.clockStepped();
    audit.write(policyCaller("clock"), {
      action: "clock-step",
      args: { step_ms: Math.round(step_ms) },
      status: "done",
    });
    onError(new Error(`the system clock was set by ${(step_ms / 1000).toFixed(1)} s`));
  };
  /** Ends of commands that found the disk full are tried again. */
  const settle = (): void => {
    try {
      journal.settle();
    } catch (error) {
      if (!(error instanceof BayError)) throw error;
    }
  };
  const watch = setInterval(() => {
    clock.look();
    settle();
  }, CLOCK_MS);
  for (const orphan of orphans) {
    const who = { user: orphan.user, role: "", source: orphan.source, origin: "before the restart" };
    const { feature: action, name: target, accepted_seq } = orphan;
    audit.write(who, { action, target, accepted_seq, status: "unknown", code: "outcome-unknown" });
  }
  // Before leases that have run out meanwhile: what they owe comes behind a cycle.
  unfinished.begin(cycles);
  leases.restore(knows);
  return {
    database,
    audit,
    leases,
    policies,
    unfinished,
    cuts,
    clock,
    orphans,
    restore(caller) {
      const file = join(folder, RESTORE_FILE);
      if (!existsSync(file)) throw new BayError("unknown_copy", `there is no ${RESTORE_FILE} in the state folder`);
      const merged = mergeCopy(database, file);
      for (const grown of [journal, audit, fences, seqs]) grown.reload();
      const copy = new Database(file);
      const found = { ...merged, leases: leases.adopt(new LeaseRows(copy).open(), knows) };
      copy.close();
      audit.write(caller, { action: "state-restore", args: found, status: "done" });
      return found;
    },
    close() {
      clearInterval(watch);
      leases.stop();
      policies.stop();
      unfinished.stop();
      settle();
      database.close();
    },
  };
}
