import { z } from "../schema.ts";
import { call, feature } from "./feature.ts";
import { ofTarget } from "./target.ts";

const calibrationSchema = z
  .object({
    board_revision: z.string(),
    current_a_per_code: z.number(),
    monitor_a_per_code: z.number(),
    voltage_v_per_code: z.number(),
    source: z.string().describe("`design`: nominal values of the parts; `board`: read from the board"),
  })
  .meta({ id: "Calibration", description: "How codes of a channel's converters become amperes and volts." });

export const calibration = feature("calibration", "Scale factors of a target's channel.", {
  get: call("GET", "/api/v1/targets/{target}/calibration", "The scale factors in use.", {
    params: ofTarget,
    answer: calibrationSchema,
    refusals: ["unknown_target"],
    grpc: { method: "GetCalibration", fields: ["target"] },
  }),
});
