import { createHash } from "node:crypto";
import type { ErrorName, Role } from "@mltb/contract";

/** Longest id in the journal as it was sent; of a longer one its hash stands there. */
const ID_LENGTH = 500;

/** Where a command came from; it stands in the power state that it brings about. */
export type CommandSource = "api" | "mqtt" | "policy";

/** Who commands, and by what right. */
export interface Caller {
  source: CommandSource;
  user: string;
  /** Another login of the same person or program: leases that it has taken are the caller's too. */
  alsoAs?: string;
  role: Role;
  /** Address of the peer, or what acted: it stands in the audit log. */
  origin: string;
  /** The lease that the caller says it holds. */
  lease?: string;
  /** Why an admin commands a target that somebody else has leased. */
  override?: string;
  /** What makes the command one and the same when it comes again, unique for source and user. */
  id?: string;
}

/** The supervisor itself, following a rule of the bay; no lease stops it. */
export function policyCaller(origin: string): Caller {
  return { source: "policy", user: "supervisor", role: "admin", origin };
}

/** The `id` of a caller from what a client sent: however long that is, two that differ stay two. */
export function callerId(sent: string): string {
  return sent.length <= ID_LENGTH ? sent : `sha256 ${createHash("sha256").update(sent).digest("hex")}`;
}

/** What is commanded. */
export interface Call {
  caller: Caller;
  kind: "target" | "rack";
  name: string;
  feature: string;
  args: unknown;
}

/** How a command ended. Expected refusals are values. */
export type CommandResult =
  | { status: "done"; state: unknown }
  | {
      status: "refused" | "failed" | "unknown";
      code: ErrorName;
      message: string;
      suggestion?: string;
      state?: unknown;
    };

export type Bad = Exclude<CommandResult, { status: "done" }>;

export function refused(code: ErrorName, message: string, suggestion?: string): Bad {
  return { status: "refused", code, message, ...(suggestion === undefined ? {} : { suggestion }) };
}

/** Commands that say what a target's power shall be: a newer one takes the place of what is still owed to the target. */
export const switching: ReadonlySet<string> = new Set(["power", "strap"]);
