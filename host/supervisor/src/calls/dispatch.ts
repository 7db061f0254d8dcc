import { BayError, type Call, features, type z } from "@mltb/contract";
import { type Bad, type Caller, type CommandResult, refused } from "../call.ts";
import type { Commands } from "../commands.ts";

/** What a call is given: its arguments, already checked, and who asks. */
export interface Asked {
  // biome-ignore lint/suspicious/noExplicitAny: each handler knows the arguments that its call's schemas have let through.
  input: any;
  caller: Caller;
  /** Aborts when the asker is gone. */
  signal: AbortSignal;
}

export type Handler = (asked: Asked) => unknown;

/** Handlers of calls that are no commands, by `FEATURE.CALL`. They answer with a value or throw a `BayError`. */
export type Handlers = Record<string, Handler>;

/** Arguments of a call as they came, by the place where they stood. */
export interface Given {
  params: Record<string, unknown>;
  query: Record<string, unknown>;
  body: unknown;
}

/** Number() takes blank text for 0, and spaces, hexadecimal and exponents besides: of a query they are refused. */
const DECIMAL = /^-?\d+(\.\d+)?$/;

/** Names of numbers that came as text which is no decimal number. */
function notDecimal(given: unknown, parsed: Record<string, unknown>): string[] {
  return Object.entries(given ?? {}).flatMap(([key, text]) =>
    typeof text === "string" && typeof parsed[key] === "number" && !DECIMAL.test(text) ? [key] : [],
  );
}

/** Checks the arguments of a call; they come back flat. */
export function checkInput(call: Call, given: Given): { input: Record<string, unknown> } | Bad {
  const parts: [string, z.ZodObject, unknown][] = [
    ["path", call.params, given.params],
    ["query", call.query, given.query],
    ["body", call.body, call.takes === "body" ? (given.body ?? {}) : {}],
  ];
  const faults: string[] = [];
  const input: Record<string, unknown> = {};
  for (const [place, schema, value] of parts) {
    const parsed = schema.safeParse(value);
    if (parsed.success) {
      Object.assign(input, parsed.data);
      for (const key of notDecimal(value, parsed.data)) faults.push(`${key}: a decimal number is wanted`);
    } else for (const issue of parsed.error.issues) faults.push(`${issue.path.join(".") || place}: ${issue.message}`);
  }
  return faults.length === 0 ? { input } : refused("malformed", faults.join("; "));
}

/** Runs the calls of the contract, whichever face they came by. */
export class Dispatcher {
  private readonly commands: Commands;
  private readonly handlers: Handlers;

  constructor(commands: Commands, handlers: Handlers) {
    this.commands = commands;
    this.handlers = handlers;
  }

  /** Whether a call is run here; streams and what needs the connection itself are not. */
  serves(name: string, call: Call): boolean {
    return call.command || name in this.handlers;
  }

  /** Runs a call whose arguments were checked; `onAccepted` is called when a command is sure to be sent. */
  async run(name: string, call: Call, asked: Asked, onAccepted?: () => void): Promise<CommandResult> {
    if (call.command && !(name in this.handlers)) return this.command(name, call, asked, onAccepted);
    const handler = this.handlers[name];
    if (handler === undefined) throw new Error(`nobody serves ${name}`);
    try {
      return { status: "done", state: await handler(asked) };
    } catch (error) {
      if (error instanceof BayError) return refused(error.code, error.message, error.suggestion);
      throw error;
    }
  }

  private command(name: string, call: Call, { input, caller }: Asked, onAccepted?: () => void): Promise<CommandResult> {
    const { target, rack, wait: _wait, ...args } = input;
    const kind = rack === undefined ? "target" : "rack";
    const feature = call.mqtt ?? (name.split(".")[0] as string);
    return this.commands.run(caller, kind, rack ?? target, feature, args, onAccepted);
  }
}

/** Every handler name must be a call of the contract: a slip would never be served. */
export function checkNames(handlers: Handlers): Handlers {
  for (const name of Object.keys(handlers)) {
    const [feature = "", call = ""] = name.split(".");
    const known = (features as unknown as Record<string, { calls: Record<string, unknown> }>)[feature]?.calls[call];
    if (known === undefined) throw new Error(`the contract has no call ${name}`);
  }
  return handlers;
}
