import { type Bay, BayError, type BayRack, type BayTarget } from "@mltb/contract";
import type { Commands } from "./commands.ts";
import type { Board } from "./device/board.ts";
import type { BayHub } from "./events.ts";
import type { TargetConsole } from "./features/console.ts";
import type { LeaseView } from "./leases/leases.ts";

/** What a reload did, by names of racks. */
export interface ReloadResult {
  added: string[];
  changed: string[];
  removed: string[];
  untouched: string[];
}

/** What is exchanged when the bay file has changed. */
export interface ReloadParts {
  /** The bay as it is; its racks are replaced in place. */
  bay: Bay;
  boards: Board[];
  consoles: Map<string, TargetConsole>;
  commands: Commands;
  hub: BayHub;
  makeBoard(rack: BayRack): Board;
  makeConsole(target: BayTarget): TargetConsole;
  leaseOf(target: string): LeaseView | undefined;
  /** Takes what is retained about a target, board or rack that is no more off the broker. */
  clear(kind: "target" | "board" | "rack", name: string): void;
}

/** Racks of both bays, told apart by whether their part of the file is the same. */
export function compareRacks(before: Bay, after: Bay): ReloadResult {
  const text = (bay: Bay) => new Map(bay.racks.map((rack) => [rack.rack, JSON.stringify(rack)]));
  const [old, fresh] = [text(before), text(after)];
  const names = [...fresh.keys()];
  return {
    added: names.filter((name) => !old.has(name)),
    changed: names.filter((name) => old.has(name) && old.get(name) !== fresh.get(name)),
    removed: [...old.keys()].filter((name) => !fresh.has(name)),
    untouched: names.filter((name) => old.get(name) === fresh.get(name)),
  };
}

/**
 * Takes a changed bay file over. Racks whose part is the same are not touched: neither their link nor a stream notices. Nothing
 * is done (`busy`) while a target of a changed or removed rack is leased, recorded or commanded. Power stays as it is: a
 * board whose link is opened anew goes on, and its state is read again.
 */
export async function reloadBay(parts: ReloadParts, next: Bay): Promise<ReloadResult> {
  const { bay, boards, consoles, commands, hub } = parts;
  if (next.bay !== bay.bay) {
    throw new BayError("malformed", `the file is now that of bay ${next.bay}`, "another bay needs a start of its own");
  }
  const result = compareRacks(bay, next);
  const leaving = boards.filter((board) => [...result.changed, ...result.removed].includes(board.rack));
  for (const board of leaving) {
    if (board.quiet.recordings > 0 || board.updating) {
      throw new BayError("busy", `rack ${board.rack} is recorded or updated`, "reload again afterwards");
    }
    for (const channel of board.channels) {
      if (channel === undefined) continue;
      if (channel.lease !== null) {
        const text = `${channel.name} of rack ${board.rack} is leased by ${channel.lease.holder}`;
        throw new BayError("busy", text, "reload again when the lease has ended");
      }
      if (commands.runs(channel.name)) throw new BayError("busy", `a command of ${channel.name} runs`, "reload again");
    }
  }
  const stays = new Set(next.racks.flatMap((rack) => rack.targets.map((target) => target.target)));
  // All at once and before anything is waited for: who asks meanwhile must not be given what is just going.
  for (const board of leaving) boards.splice(boards.indexOf(board), 1);
  for (const board of leaving) {
    await board.stop();
    for (const channel of board.channels) {
      if (channel === undefined) continue;
      await consoles.get(channel.name)?.stop();
      consoles.delete(channel.name);
      if (!stays.has(channel.name)) parts.clear("target", channel.name);
    }
    if (!next.racks.some((rack) => rack.board.name === board.name)) parts.clear("board", board.name);
    if (result.removed.includes(board.rack)) parts.clear("rack", board.rack);
  }
  bay.racks.splice(0, bay.racks.length, ...next.racks);
  for (const rack of next.racks) {
    if (result.untouched.includes(rack.rack)) continue;
    for (const target of rack.targets) {
      const made = parts.makeConsole(target);
      consoles.set(target.target, made);
      hub.emit("boot", target.target, made.boot);
    }
    const board = parts.makeBoard(rack);
    boards.push(board);
    for (const channel of board.channels) {
      if (channel === undefined) continue;
      hub.emit("power", channel.view(), "start", "policy");
      hub.emit("fault", channel.view());
      // Somebody who waited for it together with another rack's target may have it by now.
      const lease = parts.leaseOf(channel.name) ?? null;
      channel.lease = lease === null ? null : { id: lease.id, holder: lease.holder, expires_at: lease.expires_at };
      hub.emit("lease", channel.name, lease);
    }
    board.start();
  }
  return result;
}
