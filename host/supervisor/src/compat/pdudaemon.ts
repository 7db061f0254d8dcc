import { BayError, httpStatus, z } from "@mltb/contract";
import type { Caller, CommandResult } from "../call.ts";
import type { Commands } from "../commands.ts";

/** pdudaemon waits so long between off and on where no delay is given. */
const DELAY_S = 5;

const verbs = new Map([
  ["on", "on"],
  ["off", "off"],
  ["reboot", "cycle"],
]);

const query = z.object({
  hostname: z.string().optional(),
  port: z.string().optional(),
  alias: z.string().optional(),
  // Blank counts as not given, as pdudaemon has it.
  delay: z
    .string()
    .regex(/^(\d+(\.\d+)?)?$/, "a decimal number of seconds is wanted")
    .transform((text) => (text === "" ? DELAY_S : Number(text)))
    .pipe(z.number().max(60))
    .default(DELAY_S),
});

/** The part of an answer that pdudaemon's clients see: the status, and a line of text. */
export interface PduAnswer {
  status: number;
  text: string;
}

/** The target of a rack's channel. */
export function targetOf(commands: Commands, rack: string, channel: string): string {
  const known = commands.rack(rack);
  const found = known.channels.find((entry) => entry !== undefined && String(entry.channel) === channel);
  if (found === undefined) throw new BayError("unknown_target", `rack ${rack} has no target on channel ${channel}`);
  return found.name;
}

/** The HTTP status of a command's result. */
export function statusOf(result: CommandResult): number {
  if (result.status === "done") return 200;
  return result.status === "unknown" ? 503 : httpStatus[result.code];
}

/**
 * Runs one of pdudaemon's verbs and answers when the board has proved it, where pdudaemon says 200 to whatever it was
 * asked (reference: pdudaemon 1.1.1, `httplistener.py`).
 */
export async function runVerb(commands: Commands, verb: string, given: unknown, caller: Caller): Promise<PduAnswer> {
  const state = verbs.get(verb);
  if (state === undefined) return { status: 404, text: `there is no verb ${verb}; there are on, off, reboot\n` };
  const parsed = query.safeParse(given);
  if (!parsed.success) return { status: 422, text: `${parsed.error.issues[0]?.message ?? "bad query"}\n` };
  const { hostname, port, alias, delay } = parsed.data;
  try {
    if (alias === undefined && (hostname === undefined || port === undefined)) {
      return { status: 422, text: "hostname and port, or alias, are wanted\n" };
    }
    const target = alias ?? targetOf(commands, hostname as string, port as string);
    const args = state === "cycle" ? { state, off_ms: Math.round(delay * 1000) } : { state };
    const result = await commands.run(caller, "target", target, "power", args);
    if (result.status === "done") return { status: 200, text: "OK - accepted request\n" };
    return { status: statusOf(result), text: `${result.message}\n` };
  } catch (error) {
    if (!(error instanceof BayError)) throw error;
    return { status: httpStatus[error.code], text: `${error.message}\n` };
  }
}
