import type { BayError, ErrorName } from "@mltb/contract";
import { policyCaller } from "../call.ts";
import type { Commands } from "../commands.ts";
import type { ChannelModel } from "../device/channel.ts";
import type { LeaseRows } from "./rows.ts";

const LOOK_MS = 25;
/** Longest sequence that a board runs by itself: a cycle with its dwell and proofs. */
const SEQUENCE_MS = 65_000;
/** A board that has just come back tells its states within this time. */
const ANNOUNCE_MS = 2000;
const RETRY_MS = 250;
/** Longest pause between two attempts that were made and failed: each leaves its lines in journal and log. */
const LONGEST_RETRY_MS = 30_000;
/** The board has answered, and asking again would change nothing. */
const answered: ErrorName[] = ["superseded", "fault_latched", "not_on", "refused_by_board", "not_supported"];

/** The board has done what it could, and the state is not what was asked for. */
const tried: ErrorName[] = ["board_failed", "not_confirmed"];

/** What the end of a lease owes to a target, and when it is tried again. */
interface Owed {
  policy: string;
  lease: string;
  due_ms: number;
  pause_ms: number;
}

const owing = (policy: string, lease: string): Owed => ({ policy, lease, due_ms: 0, pause_ms: RETRY_MS });

/** A board will tell the state by itself; foreign electronics may have no way to, and are commanded all the same. */
const untold = ({ power, unproved }: ChannelModel): boolean => power === "unknown" && !unproved;

/**
 * Brings targets to their policies when leases end: `off`, `reset` or `keep`. What the board is in the midst of comes
 * to its end first. What cannot be done because the board is away stays owed, also across a restart, until it is done
 * or until a newer command of somebody is. What was tried and failed is tried again, after longer and longer pauses.
 */
export class EndPolicies {
  private readonly commands: Commands;
  private readonly rows: LeaseRows;
  private readonly owed = new Map<string, Owed>();
  private readonly running = new Set<string>();
  private readonly retry: NodeJS.Timeout;
  private readonly unfinished: (target: string) => boolean;
  private readonly onError: (error: Error) => void;

  /** @param unfinished whether a cycle that a supervisor was killed in is still to be completed */
  constructor(
    commands: Commands,
    rows: LeaseRows,
    onError: (error: Error) => void,
    unfinished: (target: string) => boolean,
  ) {
    this.commands = commands;
    this.rows = rows;
    this.onError = onError;
    this.unfinished = unfinished;
    for (const { target, policy, lease } of rows.owed()) this.owed.set(target, owing(policy, lease));
    this.retry = setInterval(() => this.again(), RETRY_MS);
  }

  stop(): void {
    clearInterval(this.retry);
  }

  /** What is still owed, by target. */
  pending(): string[] {
    return [...this.owed.keys()];
  }

  /** A newer command of somebody was accepted: when it is done, as what this gives is told, it wins over what is owed now. */
  overtaking(target: string): (() => void) | undefined {
    const lease = this.owed.get(target)?.lease;
    if (lease === undefined) return undefined;
    return () => {
      if (this.owed.get(target)?.lease !== lease) return;
      this.owed.delete(target);
      this.settle(target);
    };
  }

  private settle(target: string): void {
    try {
      this.rows.settle(target);
    } catch (error) {
      this.onError(error as BayError);
    }
  }

  private again(): void {
    for (const [target, { policy, lease, due_ms }] of this.owed) {
      // A target that the bay file has no more may come back with the next one.
      const found = this.commands.lookup(target);
      if (found === undefined || this.running.has(target) || performance.now() < due_ms) continue;
      if (!found.board.link.session.port.open || untold(found.channel)) continue;
      void this.carryOut(target, policy, lease);
    }
  }

  /** Resolves when the policy is done, or cannot be done now and stays owed. */
  async carryOut(target: string, policy: string, lease: string): Promise<void> {
    if (policy === "keep") return;
    const before = this.owed.get(target);
    const owed = before?.lease === lease ? before : owing(policy, lease);
    this.owed.set(target, owed);
    this.running.add(target);
    try {
      await this.atRest(target);
      // Somebody's newer command may have come while the board was busy.
      if (!this.owed.has(target)) return;
      const outcome = await this.apply(target, policy, lease);
      if (outcome === "done") {
        this.owed.delete(target);
        this.settle(target);
      } else if (outcome === "failed" || this.commands.lookup(target)?.channel.unproved === true) {
        owed.due_ms = performance.now() + owed.pause_ms;
        owed.pause_ms = Math.min(LONGEST_RETRY_MS, 2 * owed.pause_ms);
      }
    } finally {
      this.running.delete(target);
    }
  }

  /** A cycle that has been started completes, whoever started it and whenever. */
  private async atRest(target: string): Promise<void> {
    const found = this.commands.lookup(target);
    if (found === undefined) return;
    const { board, channel } = found;
    const sequence_ms = SEQUENCE_MS + board.turn_ms;
    const started = performance.now();
    const busy = (): boolean => {
      const ms = performance.now() - started;
      if (!board.link.session.port.open) return false;
      if (this.unfinished(target)) return true;
      if (this.commands.runs(target)) return ms < sequence_ms;
      return channel.power === "changing" ? ms < sequence_ms : untold(channel) && ms < ANNOUNCE_MS;
    };
    while (busy()) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }

  /** `failed`: the electronics tried and could not; `later`: it could not be asked of them now. */
  private async apply(target: string, policy: string, lease: string): Promise<"done" | "failed" | "later"> {
    // It stays owed: the target may come back with the next bay file.
    const channel = this.commands.lookup(target)?.channel;
    if (channel === undefined) return "later";
    if (policy === "off" ? channel.power === "off" : channel.power !== "on" && channel.power !== "unknown")
      return "done";
    const caller = policyCaller(`end of lease ${lease}`);
    const result =
      policy === "off"
        ? await this.commands.run(caller, "target", target, "power", { state: "off" })
        : await this.commands.run(caller, "target", target, "reset", { pulse_ms: 100 });
    if (result.status === "done" || answered.includes(result.code)) return "done";
    return tried.includes(result.code) ? "failed" : "later";
  }
}
