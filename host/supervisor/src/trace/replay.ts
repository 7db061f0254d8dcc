import type { BayRack, TargetView } from "@mltb/contract";
import { Board } from "../device/board.ts";
import { createHub } from "../events.ts";
import type { ByteTransport } from "../link/transport.ts";
import { decodeTrace } from "./decode.ts";
import type { Trace } from "./trace.ts";

/** What the supervisor concludes from a message of a trace. */
export interface ReplayEvent {
  at_ms: number;
  event: string;
  [field: string]: unknown;
}

/** The end of a replay: what is then known of the targets, and what the link carried. */
export interface ReplaySummary {
  frames: number;
  /** Pieces of the trace with bytes that are no frame. */
  faulty_pieces: number;
  /** Frames that this version cannot read. */
  unreadable: number;
  samples: { received: number; lost: number; malformed: number };
  targets: TargetView[];
}

const nowhere: ByteTransport = {
  name: "replay",
  open: () => Promise.reject(new Error("a replay opens no port")),
  write: () => undefined,
  room: () => 0,
  close: () => Promise.resolve(),
};

/**
 * Feeds what a board has sent through the supervisor's own model of a board: the states, edges, presses and log lines come
 * out that came out when it was recorded, samples by the calibration that the board had told. Nothing is sent to anybody.
 */
export function replayTrace(trace: Trace, onEvent: (event: ReplayEvent) => void): ReplaySummary {
  const { header } = trace;
  const rack = {
    rack: header.rack,
    board: { name: header.board, kind: "monitoring", link: "simulated", seed: 1 },
    targets: header.targets.map(({ target, channel }) => ({ target, channel, nominal_v: 5, on_lease_end: "keep" })),
  } as unknown as BayRack;
  const hub = createHub();
  const board = new Board(rack, nowhere, hub, 1);
  // Where the beginning has given way the board has told its calibrations before it; elsewhere the trace tells them itself.
  if (header.dropped_bytes > 0) {
    for (const { channel, calibration } of header.targets) {
      if (calibration !== undefined) board.calibrations.recall(channel, calibration, header.temperature_c ?? null);
    }
  }
  let at_ms = 0;
  const tell = (event: string, fields: object): void => onEvent({ at_ms, event, ...fields });
  hub.on("power", (target, cause) => tell("power", { target: target.name, power: target.power, cause }));
  hub.on("fault", (target) => tell("fault", { target: target.name, fault: target.fault }));
  hub.on("marker", (target, level, tick_us) => tell("marker", { target, level, tick_us }));
  hub.on("button", (of, button, press) => tell("button", { rack: of, button, press }));
  hub.on("panel", (of, page, lines) => tell("panel", { rack: of, page, lines }));
  hub.on("log", (_board, level, text) => tell("log", { level, text }));
  hub.on("restarted", (of) => tell("restarted", { board: of }));
  const summary: ReplaySummary = {
    frames: 0,
    faulty_pieces: 0,
    unreadable: 0,
    samples: { received: 0, lost: 0, malformed: 0 },
    targets: [],
  };
  /** Reliable frames that came again are the same message once more. */
  const seen = new Map<string, number>();
  for (const item of decodeTrace(trace)) {
    at_ms = item.at_ms;
    if ("faults" in item) {
      summary.faulty_pieces += 1;
      continue;
    }
    summary.frames += 1;
    if (item.body === undefined) {
      summary.unreadable += 1;
      continue;
    }
    if (item.direction !== "rx") continue;
    if (item.name === "welcome") {
      seen.clear();
      board.greet(item.body);
      tell("welcome", { serial: item.body["serial"], firmware: item.body["firmware"], epoch: item.body["epoch"] });
    } else if (item.kind === "event" || item.kind === "response") {
      if (seen.get(item.kind) === item.seq) continue;
      seen.set(item.kind, item.seq);
      if (item.kind === "event") board.message(item.name, item.body);
      else board.answered(item.name, item.body);
    } else board.message(item.name, item.body);
  }
  summary.samples = {
    received: board.measure.received,
    lost: board.measure.lost,
    malformed: board.measure.malformed,
  };
  summary.targets = board.channels.filter((channel) => channel !== undefined).map((channel) => channel.view());
  return summary;
}
