import type { Call, Topic } from "./features/feature.ts";
import { calls, featureList } from "./features/index.ts";
import { answerSchema, commandSchema } from "./payloads.ts";

/** A topic below `mltb/v1/BAY/` with the feature that it belongs to and, for a command, its arguments. */
export interface TopicRow extends Topic {
  feature: string;
  call?: Call;
}

/** Topic of the command that does what a call does, such as `cmd/USER/target/T/power`. */
function commandTopic(call: Call): string {
  const of = "rack" in call.params.shape ? "rack/R" : "target/T";
  return `cmd/USER/${of}/${call.mqtt}`;
}

/** Every topic of a bay, INTERFACES section 5. */
export const topicTable: TopicRow[] = [
  ...featureList.flatMap((entry) => entry.topics.map((topic) => ({ ...topic, feature: entry.name }))),
  ...calls()
    .filter(({ call }) => call.mqtt !== undefined)
    .map(({ feature, call }) => ({
      topic: commandTopic(call),
      direction: "in" as const,
      retained: false,
      qos: 1 as const,
      payload: commandSchema,
      meaning: call.summary,
      feature: feature.name,
      call,
    })),
  ...["target/T/FEATURE", "rack/R/panel"].map((of) => ({
    topic: `ans/USER/${of}`,
    direction: "out" as const,
    retained: false,
    qos: 1 as const,
    payload: answerSchema,
    meaning: "Answers to the commands of that user.",
    feature: "command",
  })),
];

/** Topic names of a bay. */
export function topics(bay: string) {
  const root = `mltb/v1/${bay}`;
  return {
    root,
    target: (target: string, rest: string): string => `${root}/target/${target}/${rest}`,
    rack: (rack: string, rest: string): string => `${root}/rack/${rack}/${rest}`,
    board: (board: string): string => `${root}/board/${board}/state/lifecycle`,
    agent: (agent: string, rest: "birth" | "state" | "flags" | "heartbeat" | "event/step" | "event/log"): string =>
      `${root}/agent/${agent}/${rest}`,
    supervisor: `${root}/supervisor/state`,
    commands: `${root}/cmd/+/+/+/+`,
    retainedCommands: `${root}/cmd-retained/+/+/+/+`,
    answer: (user: string, kind: "target" | "rack", name: string, feature: string): string =>
      `${root}/ans/${user}/${kind}/${name}/${feature}`,
  };
}

/** The parts of a command topic; undefined where it is none. */
export function parseCommandTopic(
  bay: string,
  topic: string,
): { user: string; kind: "target" | "rack"; name: string; feature: string; retained: boolean } | undefined {
  const match = new RegExp(`^mltb/v1/${bay}/cmd(-retained)?/([^/]+)/(target|rack)/([^/]+)/([^/]+)$`).exec(topic);
  if (match === null) return undefined;
  return {
    user: match[2] as string,
    kind: match[3] as "target" | "rack",
    name: match[4] as string,
    feature: match[5] as string,
    // The embedded broker diverts commands that were published as retained.
    retained: match[1] !== undefined,
  };
}
