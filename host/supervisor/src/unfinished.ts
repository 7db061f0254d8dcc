import type { BayError } from "@mltb/contract";
import { type Caller, type CommandResult, policyCaller, refused } from "./call.ts";
import type { Commands } from "./commands.ts";
import type { Audit } from "./store/audit.ts";
import type { Journal, UnfinishedCycle } from "./store/journal.ts";

const LOOK_MS = 50;
/** Time for an answer beyond what the programs of a power back end may take. */
const MARGIN_MS = 1500;

interface Open extends UnfinishedCycle {
  /** Who completes it. */
  by: Caller;
}

interface Parts {
  commands: Commands;
  journal: Journal;
  audit: Audit;
  /** Whether a target's board is a power back end, which finishes nothing by itself. */
  foreign(target: string): boolean;
  /** For the log. */
  onError(error: Error): void;
}

/**
 * Completes the cycles in which a supervisor was killed and that no board completes: those of power back ends. The target
 * is switched on, once, when it has been off for as long as was asked for; where it is on, nothing is done. A newer command
 * for its power takes the place of that. A supervisor that is killed here too leaves the cycle to the next one.
 */
export class Unfinished {
  private readonly open = new Map<string, Open>();
  private readonly parts: Parts;
  private stopped = false;

  constructor(parts: Parts) {
    this.parts = parts;
  }

  /** Takes up what the journal has found. */
  begin(cycles: UnfinishedCycle[]): void {
    for (const cycle of cycles) {
      const { target, accepted_seq, user } = cycle;
      const open = { ...cycle, by: policyCaller(`completes cycle ${accepted_seq} of ${user}`) };
      this.open.set(target, open);
      this.note(open, "was cut off by the end of the supervisor, and is completed");
      this.complete(open).catch((error: Error) => this.parts.onError(error));
    }
  }

  /** Whether a target's cycle is still to be completed. */
  pending(target: string): boolean {
    return this.open.has(target);
  }

  /** Somebody's command for a target's power was accepted. */
  overtaken(caller: Caller, target: string): void {
    const cycle = this.open.get(target);
    if (cycle === undefined || caller === cycle.by) return;
    this.end(cycle, refused("superseded", "a newer command took the place of this one"));
  }

  /** Nothing is switched on any more: the bay is being made safe. */
  giveUp(): void {
    for (const cycle of this.open.values()) this.end(cycle, refused("superseded", "the bay is being made safe"));
  }

  /** What is not completed is left to the next start. */
  stop(): void {
    this.stopped = true;
  }

  private async complete(cycle: Open): Promise<void> {
    const { commands, foreign } = this.parts;
    while (this.due(cycle)) {
      // A reload may have given the target another board, or none.
      if (!foreign(cycle.target)) return this.end(cycle, refused("not_supported", "no power back end has it any more"));
      const power = await this.look(cycle.target);
      if (power === "on") return this.end(cycle, { status: "done", state: power });
      if (power !== undefined && (await this.dwelt(cycle))) {
        const result = await commands.run(cycle.by, "target", cycle.target, "power", { state: "on" });
        if (!passing(result)) return this.end(cycle, result);
      }
      await sleep(LOOK_MS);
    }
  }

  private due(cycle: Open): boolean {
    return !this.stopped && this.open.get(cycle.target) === cycle;
  }

  /** What the back end says of the target now, behind what an earlier supervisor has left running; undefined where it does not answer. */
  private async look(target: string): Promise<string | undefined> {
    const found = this.parts.commands.lookup(target);
    if (found === undefined || !found.board.link.session.port.open) return undefined;
    const { board, channel } = found;
    const within_ms = MARGIN_MS + 2 * board.command_ms;
    const outcome = await board.link.request("channel_get", { channel: channel.channel }, within_ms);
    if (outcome.kind !== "answer") return undefined;
    board.observe(channel, outcome.body);
    return channel.power;
  }

  /** Waits for the whole time without power: when it began is not known. */
  private async dwelt(cycle: Open): Promise<boolean> {
    const began_ms = performance.now();
    while (this.due(cycle) && performance.now() - began_ms < cycle.off_ms) await sleep(LOOK_MS);
    return this.due(cycle);
  }

  private end(cycle: Open, result: CommandResult): void {
    if (this.open.get(cycle.target) !== cycle) return;
    this.open.delete(cycle.target);
    const { target, accepted_seq, by } = cycle;
    const { status } = result;
    const bad = status === "done" ? {} : { code: result.code, message: result.message };
    this.parts.audit.write(by, { action: "cycle-completion", target, accepted_seq, status, ...bad });
    if (status !== "done") this.note(cycle, `was not completed: ${result.message}`);
    try {
      this.parts.journal.close(cycle.entry);
    } catch (error) {
      // The next start finds it again; a newer command, or the target being on, ends it there.
      this.parts.onError(error as BayError);
    }
  }

  private note({ target, accepted_seq }: Open, text: string): void {
    this.parts.onError(new Error(`cycle ${accepted_seq} of ${target} ${text}`));
  }
}

/** What may be otherwise in a moment. */
function passing(result: CommandResult): boolean {
  return result.status === "unknown" || (result.status !== "done" && ["busy", "board_lost"].includes(result.code));
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
