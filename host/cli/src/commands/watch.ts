import type { BayClient } from "../client/bay-client.ts";
import { type BayOptions, findBay } from "../client/find-bay.ts";
import { CliError, Exit } from "../errors.ts";
import { action, addBayOptions, type Command, parseCount } from "../program.ts";

const RETRY_MS = 1000;

interface BayEvent {
  id: string;
  event: string;
  data: Record<string, unknown>;
}

/** An event in one line: its kind, whom it is about, what it says. */
function textOf({ event, data }: BayEvent): string {
  const target = data["target"];
  const about = typeof target === "object" && target !== null ? (target as { name: string; power: string }) : undefined;
  const who = about?.name ?? target ?? data["rack"] ?? data["board"] ?? data["name"] ?? "";
  const rest = Object.entries(data)
    .filter(([key]) => !["target", "rack", "board", "name"].includes(key))
    .map(([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`);
  return [event.padEnd(9), who, ...(about === undefined ? [] : [about.power]), ...rest].join(" ");
}

/** Events of the bay; a connection that breaks is taken up again where it was. */
async function* events(bay: BayClient, signal: AbortSignal, note: (text: string) => void): AsyncGenerator<BayEvent> {
  let last: string | undefined;
  for (let first = true; !signal.aborted; first = false) {
    try {
      const lines = await bay.lines("/api/v1/events", signal, last === undefined ? {} : { "last-event-id": last });
      let seen: Record<string, string> = {};
      for await (const line of lines) {
        const colon = line.indexOf(": ");
        if (colon > 0) seen[line.slice(0, colon)] = line.slice(colon + 2);
        if (line !== "") continue;
        if (seen["event"] !== undefined && seen["data"] !== undefined) {
          last = seen["id"];
          yield { id: seen["id"] ?? "", event: seen["event"], data: JSON.parse(seen["data"]) };
        }
        seen = {};
      }
    } catch (error) {
      if (signal.aborted) return;
      // Only a bay that was there before is waited for, and only while it is away.
      if (first || (error instanceof CliError && error.exit !== Exit.unreachable)) throw error;
    }
    if (signal.aborted) return;
    if (first || last !== undefined) note("the bay has closed the stream; trying again ...");
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

/** `mltb watch`: what happens in the bay, live. */
export function registerWatch(program: Command): void {
  addBayOptions(
    program
      .command("watch")
      .description("show what happens in the bay, until Ctrl-C; after a broken connection it goes on where it was")
      .option("--target <target>", "only what is about this target")
      .option("--count <n>", "end after so many events", parseCount),
  ).action(
    action(async (context, options: BayOptions & { target?: string; count?: number }) => {
      const bay = findBay(options);
      if (options.target !== undefined) await bay.target(options.target);
      let shown = 0;
      for await (const event of events(bay, context.signal, context.note)) {
        const of = event.data["target"];
        const name = typeof of === "object" && of !== null ? (of as { name: string }).name : (of ?? event.data["name"]);
        if (options.target !== undefined && name !== options.target) continue;
        process.stdout.write(`${context.json ? JSON.stringify(event) : textOf(event)}\n`);
        shown += 1;
        if (options.count !== undefined && shown >= options.count) break;
      }
      return Exit.done;
    }),
  );
}
