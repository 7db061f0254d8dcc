import { isIPv6 } from "node:net";
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { CliError, cliError, Exit, faultLine } from "./errors.ts";

export { type Command, InvalidArgumentError };

/** Options that every command has. */
export interface GlobalOptions {
  json?: boolean;
}

/** What a command gets besides its own arguments. */
export interface Context {
  json: boolean;
  /** Aborts at the first SIGINT, SIGTERM or SIGHUP. */
  signal: AbortSignal;
  /** Prints the command's result: one JSON document with `--json`, else the text. */
  print(document: unknown, text: () => string): void;
  /** Progress and logs, on standard error. */
  note(text: string): void;
}

export function createProgram(version: string): Command {
  const program = new Command("mltb");
  program
    .description("MLTB: an evaluation bench for machine learning on embedded boards")
    .version(version)
    .showHelpAfterError("(add --help for the options)")
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text) });
  return program;
}

/** Adds the options by which a command finds the bay that is up. */
export function addBayOptions(command: Command): Command {
  return command
    .option("--state <dir>", "folder where the bay that is up keeps its address and secrets")
    .option("--url <url>", "address of a bay's HTTP API (default: MLTB_URL, then the state folder)")
    .option("--token-file <file>", "file with the bearer token (default: MLTB_TOKEN_FILE, then the state folder)")
    .option("--json", "print one JSON document on standard output");
}

export function parseInteger(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < low || value > high) {
      throw new InvalidArgumentError(`a whole number from ${low} to ${high} is wanted.`);
    }
    return value;
  };
}

/** One of some words. */
export function parseChoice<T extends string>(words: readonly T[]): (text: string) => T {
  return (text) => {
    const word = words.find((entry) => entry === text);
    if (word === undefined) throw new InvalidArgumentError(`one of ${words.join(", ")} is wanted.`);
    return word;
  };
}

/** `HOST:PORT`, `[IPV6]:PORT` or `:PORT` (loopback). */
export function parseHostPort(text: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]*)):(\d+)$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65535) throw new InvalidArgumentError("HOST:PORT is wanted, such as 127.0.0.1:8080.");
  return { host: match[1] ?? (match[2] || "127.0.0.1"), port };
}

/** HOST or HOST:PORT; the address of an IPv6 host stands in brackets where a port follows. */
export function parseHostMaybePort(text: string): { host: string; port?: number } {
  const match = /^(?:\[([^\]]+)\]|([^:\s]+))(?::(\d+))?$/.exec(text);
  const host = match?.[1] ?? match?.[2] ?? (isIPv6(text) ? text : undefined);
  const port = match?.[3] === undefined ? undefined : Number(match[3]);
  if (host === undefined || port === 0 || (port ?? 1) > 65535)
    throw new InvalidArgumentError("HOST or HOST:PORT is wanted, such as jetson.lan:8001.");
  return port === undefined ? { host } : { host, port };
}

/** A whole number above 0; `1e8` is one. */
export function parseCount(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError("A whole number above 0 is wanted, such as 12 or 1e8.");
  return value;
}

const seconds: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 };

/** A time in seconds: `90s`, `30m`, `1.5h`, `2d`, `500ms`; a bare number is seconds. */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text);
  if (match === null) throw new InvalidArgumentError("A time is wanted, such as 90s, 30m or 2h.");
  return Number(match[1]) * (seconds[match[2] ?? "s"] ?? 1);
}

const abort = new AbortController();

/** Wraps the action of a command: context in, exit code out. The code is 0 where the action returns none. */
export function action<A extends unknown[]>(
  body: (context: Context, ...args: A) => Promise<number | undefined>,
): (...args: unknown[]) => Promise<void> {
  return async (...all) => {
    const command = all.at(-1) as Command;
    const options = command.optsWithGlobals<GlobalOptions>();
    const json = options.json === true;
    const context: Context = {
      json,
      signal: abort.signal,
      print: (document, text) => {
        process.stdout.write(`${json ? JSON.stringify(document) : text()}\n`);
      },
      note: (text) => process.stderr.write(`${text}\n`),
    };
    // Options of a command stand with those of the commands above it, wherever they were given.
    process.exitCode = await body(context, ...([...all.slice(0, -2), options] as unknown as A));
  };
}

function listenForSignals(): void {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      // A terminal and the wrapper may both deliver Ctrl-C: one is enough, the clean-up then runs to its end.
      if (!abort.signal.aborted) abort.abort(signal);
    });
  }
}

/** From now on these signals mean this instead of the end. */
export function onReload(signals: NodeJS.Signals[], reload: () => void): void {
  for (const signal of signals) {
    process.removeAllListeners(signal);
    process.on(signal, reload);
  }
}

/** Parses and runs; sets the exit code and never throws. */
export async function runProgram(program: Command, argv: string[]): Promise<void> {
  listenForSignals();
  const json = argv.includes("--json");
  try {
    await program.parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? Exit.done : Exit.usage;
      if (json && error.exitCode !== 0) printFaults(new CliError(Exit.usage, [usageFault(error)]), true);
      return;
    }
    const known = error instanceof CliError ? error : unexpected(error);
    process.exitCode = abort.signal.aborted && known.exit === Exit.internal ? Exit.interrupted : known.exit;
    printFaults(known, json);
  }
}

function usageFault(error: CommanderError): { code: string; message: string } {
  return { code: "usage", message: error.message.replace(/^error: /, "") };
}

/** Errors of the packages below, by the exit code that they mean. */
const packageErrors: Record<string, [number, string]> = {
  BayError: [Exit.unreachable, "bay"],
  LuaBoardError: [Exit.unreachable, "board"],
  ControlSocketError: [Exit.unreachable, "sim-control"],
  PtyError: [Exit.usage, "link"],
  FirmwareBuildError: [Exit.internal, "firmware-build"],
  RunError: [Exit.unreachable, "run"],
  DatasetError: [Exit.usage, "dataset"],
};

/** Codes of the bay that mean wrong usage. */
const usageCodes = new Set<unknown>(["insecure_listener", "malformed", "name_taken"]);

function unexpected(error: unknown): CliError {
  if (error instanceof Error) {
    const { code, suggestion, kind } = error as Error & { code?: unknown; suggestion?: string; kind?: string };
    const name = error.constructor.name;
    if (name === "AgentStartError") {
      return cliError(kind === "usage" ? Exit.usage : Exit.unreachable, "agent-start", error.message, suggestion);
    }
    if (code === "ERR_MODULE_NOT_FOUND") {
      const missing = /Cannot find package '([^']+)'/.exec(error.message)?.[1];
      if (missing !== undefined) {
        const mend = "MLTB_INSTALL=full npm run setup (docs/install.md)";
        return cliError(Exit.unreachable, "not-installed", `package ${missing} is not installed here`, mend);
      }
    }
    const known = packageErrors[name];
    if (known !== undefined) {
      return cliError(
        usageCodes.has(code) ? Exit.usage : known[0],
        typeof code === "string" ? code.replaceAll("_", "-") : known[1],
        error.message,
        suggestion,
      );
    }
  }
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return cliError(Exit.internal, "internal", `this should not happen; please report it: ${detail}`);
}

function printFaults(error: CliError, json: boolean): void {
  if (json) process.stdout.write(`${JSON.stringify({ errors: error.faults })}\n`);
  for (const fault of error.faults) process.stderr.write(`${faultLine(fault)}\n`);
}
