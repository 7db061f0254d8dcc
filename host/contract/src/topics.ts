/** MQTT topics below `mltb/v1/BAY/`, INTERFACES section 5. `docs/mqtt.md` is generated from this table. */
export interface TopicRow {
  topic: string;
  direction: "out" | "in";
  retained: boolean;
  qos: 0 | 1;
  payload: string;
  meaning: string;
}

export const topicTable: TopicRow[] = [
  {
    topic: "target/T/state/power",
    direction: "out",
    retained: true,
    qos: 1,
    payload: '{"state","at","seq","cause","source"}',
    meaning:
      "Power state as the board proved it: on, off, changing, fault, unknown. `source`: api, mqtt, local (the panel) or policy.",
  },
  {
    topic: "target/T/state/measure",
    direction: "out",
    retained: true,
    qos: 0,
    payload: '{"voltage_v","current_a","power_w","energy_j","at","seq"}',
    meaning: "Latest measurement, at most 10 Hz.",
  },
  {
    topic: "target/T/state/fault",
    direction: "out",
    retained: true,
    qos: 1,
    payload: 'null or {"id","cause","at"}',
    meaning: "Latched fault.",
  },
  {
    topic: "target/T/state/lease",
    direction: "out",
    retained: true,
    qos: 1,
    payload: "null",
    meaning: "Holder of the lease; leases are a later version.",
  },
  {
    topic: "target/T/state/health",
    direction: "out",
    retained: true,
    qos: 0,
    payload: '{"board","link","round_trip_ms","crc_errors","uptime_ms","clock"}',
    meaning: "Board and link of the target.",
  },
  {
    topic: "target/T/state/flags",
    direction: "out",
    retained: true,
    qos: 1,
    payload: '{"experiment_running","available"}',
    meaning: "Whether an experiment runs on the target, and whether it can be used.",
  },
  {
    topic: "target/T/event/console",
    direction: "out",
    retained: false,
    qos: 0,
    payload: '{"line","at"}',
    meaning: "A line of the target's console.",
  },
  {
    topic: "target/T/event/marker",
    direction: "out",
    retained: false,
    qos: 1,
    payload: '{"level","tick_us","at"}',
    meaning: "An edge of the target's marker, in device time.",
  },
  {
    topic: "rack/R/event/button",
    direction: "out",
    retained: false,
    qos: 1,
    payload: '{"button":"up"|"down"|"select"|"stop","press":"short"|"long"|"held","source":"local","at"}',
    meaning: "A press of a front-panel button.",
  },
  {
    topic: "rack/R/state/panel",
    direction: "out",
    retained: true,
    qos: 1,
    payload: '{"page","lines":[..]}',
    meaning: "What the rack's display shows.",
  },
  {
    topic: "cmd/USER/target/T/power",
    direction: "in",
    retained: false,
    qos: 1,
    payload: '{"id","expires_at"?,"lease"?,"args":{"state":"on"|"off"|"off-floating"|"cycle","off_ms"?}}',
    meaning: "Switch a target's power.",
  },
  {
    topic: "cmd/USER/target/T/reset",
    direction: "in",
    retained: false,
    qos: 1,
    payload: '{"id","args":{"pulse_ms"?}}',
    meaning: "Pulse a target's reset line.",
  },
  {
    topic: "cmd/USER/target/T/strap",
    direction: "in",
    retained: false,
    qos: 1,
    payload: '{"id","args":{}}',
    meaning: "Strap sequences; refused with not-supported in this version.",
  },
  {
    topic: "cmd/USER/target/T/rearm",
    direction: "in",
    retained: false,
    qos: 1,
    payload: '{"id","args":{"fault"}}',
    meaning: "Clear a latched fault.",
  },
  {
    topic: "cmd/USER/target/T/locate",
    direction: "in",
    retained: false,
    qos: 1,
    payload: '{"id","args":{"duration_ms"?}}',
    meaning: "Show the target on its rack's panel.",
  },
  {
    topic: "cmd/USER/rack/R/panel",
    direction: "in",
    retained: false,
    qos: 1,
    payload: '{"id","args":{"lines":[..]}}',
    meaning: "Write a page on the rack's display.",
  },
  {
    topic: "ans/USER/target/T/FEATURE",
    direction: "out",
    retained: false,
    qos: 1,
    payload:
      '{"id","status":"accepted"|"done"|"refused"|"failed"|"unknown","code"?,"message"?,"state"?,"accepted_seq"?}',
    meaning: "Answers to the commands of that user; for a rack `ans/USER/rack/R/panel`.",
  },
  {
    topic: "board/B/state/lifecycle",
    direction: "out",
    retained: true,
    qos: 1,
    payload: "absent | opening | handshaking | ready | degraded | lost",
    meaning: "Lifecycle of a board, plain text.",
  },
  {
    topic: "agent/A/birth",
    direction: "out",
    retained: true,
    qos: 1,
    payload: '{"schema":"mltb.agent/1","name","target","kind","runtime","grpc",..}',
    meaning: "What an agent can do and where it listens; published by the agent.",
  },
  {
    topic: "agent/A/state",
    direction: "out",
    retained: true,
    qos: 1,
    payload: "online | offline",
    meaning: "Whether the agent is there, plain text; `offline` is its will.",
  },
  {
    topic: "supervisor/state",
    direction: "out",
    retained: true,
    qos: 1,
    payload: "online | stopped | lost",
    meaning: "The supervisor, plain text; `lost` is its will.",
  },
];

/** Topic names of a bay. */
export function topics(bay: string) {
  const root = `mltb/v1/${bay}`;
  return {
    root,
    target: (target: string, rest: string): string => `${root}/target/${target}/${rest}`,
    rack: (rack: string, rest: string): string => `${root}/rack/${rack}/${rest}`,
    board: (board: string): string => `${root}/board/${board}/state/lifecycle`,
    agent: (agent: string, rest: "birth" | "state"): string => `${root}/agent/${agent}/${rest}`,
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
