import { z } from "../schema.ts";
import { call, feature } from "./feature.ts";
import { anyName } from "./target.ts";

const ofBoard = z.object({ board: anyName.describe("name of the board") });

export const starts = ["power", "watchdog", "software", "pin", "bundle", "unknown"] as const;
export const startSchema = z
  .enum(starts)
  .describe("what the board's last start came from; `bundle`: another one was started without a reset");

const boardSchema = z
  .object({
    name: z.string(),
    rack: z.string(),
    kind: z.string().nullable(),
    serial: z.string().nullable(),
    lifecycle: z.string(),
    capabilities: z.array(z.string()),
    started_by: startSchema.nullable(),
    restarts: z.int().describe("starts of the board that this supervisor has seen, after the first"),
  })
  .meta({ id: "Board", description: "The electronics of a rack." });

const firmwareSchema = z
  .object({
    version: z.string(),
    slot: z.int(),
    state: z.enum(["factory", "confirmed", "trial"]),
    format: z.string(),
    sha256: z.string(),
    received_bytes: z.int(),
  })
  .meta({ id: "Firmware", description: "The bundle that a board runs." });

const waveformSchema = z
  .object({
    target: z.string().nullable(),
    channel: z.int(),
    period_us: z.number(),
    tick_us: z.number(),
    complete: z.boolean(),
    current_a: z.array(z.number()),
    sweep_period_us: z.number(),
    sweep_tick_us: z.number(),
    voltage_v: z.array(z.number()),
  })
  .meta({
    id: "Waveform",
    description:
      "Current (a row each period_us, the first ends at tick_us) and voltage (a reading each sweep_period_us from sweep_tick_us on) around a trip, 100 ms on each side.",
  });

const logSchema = z
  .object({
    lost: z.int(),
    lines: z.array(
      z
        .object({ uptime_ms: z.int(), level: z.int(), text: z.string() })
        .meta({ id: "BoardLogLine", description: "A line that a board keeps." }),
    ),
  })
  .meta({ id: "BoardLog", description: "The lines that a board keeps, and how many are gone." });

const refusals = ["unknown_board", "not_supported", "busy", "board_lost"] as const;

export const board = feature("board", "The rack electronics: monitoring boards, their firmware, logs and waveforms.", {
  list: call("GET", "/api/v1/boards", "Boards of the bay.", {
    answer: z.array(boardSchema),
    grpc: { method: "ListBoards", fields: [] },
  }),
  firmware: call("GET", "/api/v1/boards/{board}/firmware", "The firmware that a board runs.", {
    params: ofBoard,
    answer: firmwareSchema,
    refusals,
    cli: "mltb firmware show BOARD",
  }),
  update: call("PUT", "/api/v1/boards/{board}/firmware", "Give a board new firmware; channels keep their state.", {
    params: ofBoard,
    role: "admin",
    takes: "bytes",
    fenced: true,
    answer: firmwareSchema
      .extend({ changed: z.boolean() })
      .meta({ id: "FirmwareUpdate", description: "The new state." }),
    refusals: [...refusals, "malformed", "board_failed", "not_confirmed", "outcome_unknown"],
    cli: "mltb firmware update BOARD",
  }),
  waveform: call(
    "GET",
    "/api/v1/boards/{board}/waveform",
    "Current and voltage around a trip; null where there was none.",
    {
      params: ofBoard,
      query: z.object({
        back: z.coerce
          .number<string | number>()
          .int()
          .min(0)
          .max(1)
          .default(0)
          .describe("0 the last trip, 1 the one before"),
      }),
      cli: "mltb faults --waveform BOARD",
      answer: waveformSchema.nullable(),
      refusals,
    },
  ),
  trace: call("GET", "/api/v1/boards/{board}/trace", "The last bytes of a board's link in both directions.", {
    params: ofBoard,
    role: "operator",
    stream: "application/x-ndjson",
    refusals: ["unknown_board"],
    cli: "mltb trace BOARD",
  }),
  log: call("GET", "/api/v1/boards/{board}/log", "The lines that a board keeps.", {
    params: ofBoard,
    answer: logSchema,
    refusals,
    cli: "mltb firmware log BOARD",
  }),
});
