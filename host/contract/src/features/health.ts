import { z } from "../schema.ts";
import { startSchema } from "./board.ts";
import { call, feature, state } from "./feature.ts";
import { healthSchema, ofTarget } from "./target.ts";

export const lifecycles = ["absent", "opening", "handshaking", "ready", "degraded", "lost"] as const;

const bayHealthSchema = z
  .object({
    state: z.enum(["ok", "degraded"]),
    boards: z.array(
      z
        .object({
          name: z.string(),
          lifecycle: z.string(),
          started_by: startSchema.nullable(),
          restarts: z.int(),
        })
        .meta({ id: "BoardState", description: "A board's lifecycle." }),
    ),
  })
  .meta({ id: "BayHealth", description: "`ok` when every board is ready." });

export const health = feature(
  "health",
  "Boards, links, temperature, uptime, limits.",
  {
    bay: call("GET", "/api/v1/health", "Health of the bay.", {
      answer: bayHealthSchema,
      cli: "mltb health",
      grpc: { method: "GetHealth", fields: [] },
    }),
    target: call("GET", "/api/v1/targets/{target}/health", "Health of a target's board and link.", {
      params: ofTarget,
      answer: healthSchema,
      refusals: ["unknown_target"],
      cli: "mltb health TARGET",
      grpc: { method: "GetTargetHealth", fields: ["target"] },
    }),
  },
  [
    state(
      "target/T/state/health",
      healthSchema,
      "Board and link of the target: `board`, `link`, `round_trip_ms`, `crc_errors`, `dropped`, `uptime_ms`, `started_by`, `restarts`, `clock`, `rack` (temperature and supply), `limits` (as the board reads them back), `refused` (what it did not take of the bay file).",
      0,
    ),
    state("board/B/state/lifecycle", lifecycles, "Lifecycle of a board, plain text."),
    state("supervisor/state", ["online", "stopped", "lost"], "The supervisor, plain text; `lost` is its will."),
  ],
);
