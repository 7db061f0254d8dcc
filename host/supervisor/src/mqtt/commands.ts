import { type Answer, commandSchema, type ErrorName, parseCommandTopic, topics, wireCode } from "@mltb/contract";
import { OWN_USER } from "../auth/tokens.ts";
import type { Caller } from "../call.ts";
import type { ClockWatch } from "../clock.ts";
import { answerOf, type Commands } from "../commands.ts";
import type { Orphan } from "../store/journal.ts";
import type { MqttLink } from "./client.ts";

const PAYLOAD_BYTES = 16_384;
/** No command nests deeper than two levels; some thousands would be more than the stack holds when they are written down. */
const LEVELS = 32;

export interface CommandCounters {
  accepted: number;
  refused: number;
  duplicates: number;
  /** Topics below `cmd/` that are no command. */
  ignored: number;
}

/**
 * Runs commands that come by MQTT and answers on the mirrored topic of the sender. `own`: the MQTT user of whoever holds the
 * bay's own token, where there is one.
 */
export async function serveCommands(
  bay: string,
  commands: Commands,
  link: MqttLink,
  clock: ClockWatch,
  own: string | undefined,
): Promise<CommandCounters> {
  const t = topics(bay);
  const counters: CommandCounters = { accepted: 0, refused: 0, duplicates: 0, ignored: 0 };
  link.onMessage((topic, payload, retained) => {
    if (!topic.startsWith(`${t.root}/cmd`)) return;
    const parts = parseCommandTopic(bay, topic);
    if (parts === undefined) {
      counters.ignored += 1;
      return;
    }
    const { user, kind, name, feature } = parts;
    const send = (answer: Answer): void =>
      link.publish(t.answer(user, kind, name, feature), JSON.stringify(answer), {
        retain: false,
        qos: 1,
        answer: true,
      });
    const refuse = (id: string, code: ErrorName, message: string): void => {
      counters.refused += 1;
      send({ id, status: "refused", code: wireCode(code), message });
    };

    const parsed = parse(payload);
    if ("problem" in parsed) {
      // An empty retained message is how a retained one is cleared: nobody sent a command.
      if (payload.length === 0) counters.ignored += 1;
      else refuse(parsed.id, "malformed", parsed.problem);
      return;
    }
    const { id, expires_at, lease, args } = parsed.command;
    if (retained || parts.retained) {
      refuse(id, "retained", "commands must not be retained");
      return;
    }
    const alsoAs = user === own ? OWN_USER : undefined;
    const caller: Caller = { source: "mqtt", user, alsoAs, role: "operator", origin: "mqtt", id, lease };
    // What came before is answered as it was then, even if it has expired meanwhile.
    if (commands.knows(caller)) counters.duplicates += 1;
    else if (expires_at !== undefined && clock.isOver(Date.parse(expires_at))) {
      refuse(id, "expired", `expired at ${expires_at}`);
      return;
    }
    void commands
      .run(caller, kind, name, feature, args, (seq) => {
        counters.accepted += 1;
        send({ id, status: "accepted", accepted_seq: seq });
      })
      .then((result) => {
        if (result.status === "refused") counters.refused += 1;
        send({ id, ...answerOf(result) });
      });
  });
  await link.subscribe(t.commands);
  await link.subscribe(t.retainedCommands);
  return counters;
}

/** Answers the commands that the supervisor before had accepted and not ended. */
export function answerOrphans(bay: string, orphans: Orphan[], link: MqttLink): void {
  const t = topics(bay);
  for (const { source, id, user, kind, name, feature, result } of orphans) {
    if (source !== "mqtt" || id === undefined) continue;
    const answer: Answer = { id, ...answerOf(result) };
    link.publish(t.answer(user, kind, name, feature), JSON.stringify(answer), { retain: false, qos: 1, answer: true });
  }
}

type Command = { id: string; expires_at?: string; lease?: string; args?: unknown };

/** The command of a payload, or what is wrong with it; the id is kept where there is one, so that the sender knows. */
function parse(payload: Buffer): { command: Command } | { problem: string; id: string } {
  if (payload.length > PAYLOAD_BYTES) return { problem: `a command has at most ${PAYLOAD_BYTES} bytes`, id: "" };
  let value: unknown;
  try {
    value = JSON.parse(payload.toString("utf8"));
  } catch (error) {
    return { problem: `not JSON: ${(error as Error).message}`, id: "" };
  }
  if (deeperThan(value, LEVELS)) return { problem: `a command nests ${LEVELS} levels deep at most`, id: idOf(value) };
  const parsed = commandSchema.safeParse(value);
  if (parsed.success) return { command: parsed.data };
  const text = parsed.error.issues.map((issue) => `${issue.path.join(".") || "command"}: ${issue.message}`).join("; ");
  return { problem: text, id: idOf(value) };
}

/** The sender's id in what may be no command. */
function idOf(value: unknown): string {
  const given = (value as { id?: unknown } | null)?.id;
  return typeof given === "string" ? given.slice(0, 64) : "";
}

/** Whether arrays and objects stand in each other more than so many levels deep. */
function deeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => deeperThan(inner, levels - 1));
}
