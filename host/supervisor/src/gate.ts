import { BayError, calls } from "@mltb/contract";
import { type Bad, type Call, type Caller, type CommandResult, refused } from "./call.ts";
import type { Leases } from "./leases/leases.ts";
import type { Audit } from "./store/audit.ts";
import { contentOf, type Journal, keyOf } from "./store/journal.ts";

/** Commands that are kept in memory beside the journal: those that run, and of the ended ones as many as there is room for. */
const RECENT = 1024;

/** Commands that take an admin by the contract, by the word that they have on every face. */
const forAdmins = new Set(
  calls()
    .filter(({ call }) => call.command && call.role === "admin")
    .map(({ feature, call }) => call.mqtt ?? feature.name),
);

interface Run {
  content: string;
  accepted_seq: number | undefined;
  result: Promise<CommandResult>;
  ended: boolean;
  /** Told when the command is accepted. */
  onAccepted: ((seq: number) => void)[];
}

/** A command that was accepted: its number, its place in the journal, and the fence of its target's lease. */
export interface Accepted {
  seq: number;
  entry: number;
  fence: number | undefined;
}

/** What every command passes on its way to a board: at most once by its id, role, lease, journal, audit log. */
export class Gate {
  private readonly journal: Journal;
  private readonly audit: Audit;
  private readonly leases: Leases;
  private readonly nextSeq: () => number;
  private readonly runs = new Map<string, Run>();

  constructor(journal: Journal, audit: Audit, leases: Leases, nextSeq: () => number) {
    this.journal = journal;
    this.audit = audit;
    this.leases = leases;
    this.nextSeq = nextSeq;
  }

  /** Whether a command with this id has come before. */
  knows(caller: Caller): boolean {
    const key = keyOf(caller);
    return key !== undefined && (this.runs.has(key) || this.journal.find(key) !== undefined);
  }

  /** The result of a command that has come before under the same id; `onAccepted` is told if it was accepted. */
  repeated(call: Call, onAccepted: (seq: number) => void): Promise<CommandResult> | undefined {
    const key = keyOf(call.caller);
    if (key === undefined) return undefined;
    const run = this.runs.get(key);
    const known = run ?? this.journal.find(key);
    if (known === undefined) return undefined;
    if (known.content !== contentOf(call)) {
      return Promise.resolve(refused("key_reused", "this id belongs to another command", "use a new id"));
    }
    if (known.accepted_seq !== undefined) onAccepted(known.accepted_seq);
    else run?.onAccepted.push(onAccepted);
    return Promise.resolve(known.result);
  }

  /** Remembers a command that now runs, so that repetitions wait for its result. */
  started(call: Call, result: Promise<CommandResult>): void {
    const key = keyOf(call.caller);
    if (key === undefined) return;
    const run: Run = { content: contentOf(call), accepted_seq: undefined, result, ended: false, onAccepted: [] };
    void result.finally(() => {
      run.ended = true;
    });
    this.runs.set(key, run);
    if (this.runs.size <= RECENT) return;
    // One that runs has no result in the journal yet, and would run again.
    for (const [old, { ended }] of this.runs) {
      if (!ended) continue;
      this.runs.delete(old);
      break;
    }
  }

  /** Why a command may not run; undefined when it may. */
  refusal(call: Call): Bad | undefined {
    const { role } = call.caller;
    if (role === "viewer") return refused("forbidden", "a viewer may not command");
    if (role !== "admin" && forAdmins.has(call.feature)) {
      return refused("forbidden", `${call.feature} takes an admin`, "send it over HTTP or gRPC with an admin's token");
    }
    return this.leases.check(call);
  }

  /** Gives the command its number and writes it down; a command that cannot be written down is refused. */
  accept(call: Call): Accepted | Bad {
    const fence = call.kind === "target" ? this.leases.of(call.name)?.fence : undefined;
    let accepted: Accepted;
    try {
      const seq = this.nextSeq();
      accepted = { seq, entry: this.journal.accept(call, seq, fence), fence };
    } catch (error) {
      if (!(error instanceof BayError)) throw error;
      // A rule of the bay that makes a target safe must not wait for the disk.
      if (call.caller.source === "policy") return { seq: 0, entry: 0, fence };
      return refused(error.code, error.message, error.suggestion);
    }
    const run = this.runs.get(keyOf(call.caller) ?? "");
    if (run !== undefined) {
      run.accepted_seq = accepted.seq;
      for (const told of run.onAccepted) told(accepted.seq);
    }
    return accepted;
  }

  /** Writes down how a command ended. */
  ended(call: Call, accepted: Accepted | undefined, result: CommandResult): void {
    const lease = call.kind === "target" ? this.leases.of(call.name)?.id : undefined;
    this.audit.command(call, accepted, call.caller.lease ?? lease, result);
    try {
      if (accepted !== undefined && accepted.entry > 0) this.journal.end(accepted.entry, result);
      else if (accepted === undefined) this.refused(call, result);
    } catch (error) {
      // The answer stands. The journal tries again; where the disk stays full, a repetition after a restart is answered `unknown`.
      if (!(error instanceof BayError)) throw error;
      this.audit.lost += 1;
    }
  }

  /**
   * What was not accepted. A message may come again by itself, when nobody wants it any more: it is refused again. Who
   * sends a request again under its key wants it done: it is judged anew.
   */
  private refused(call: Call, result: CommandResult): void {
    const key = keyOf(call.caller);
    if (key === undefined) return;
    if (call.caller.source === "mqtt") this.journal.refuse(call, result);
    else this.runs.delete(key);
  }
}
