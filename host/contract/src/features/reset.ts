import { z } from "../schema.ts";
import { call, feature } from "./feature.ts";
import { commandRefusals, ofTarget, targetSchema } from "./target.ts";

export const resetArgs = z.strictObject({
  pulse_ms: z.int().min(1).max(10_000).default(100).describe("length of the pulse"),
});

export const reset = feature("reset", "The reset line of a target; the board times the pulse.", {
  pulse: call("POST", "/api/v1/targets/{target}/reset", "Pulse a target's reset line.", {
    params: ofTarget,
    body: resetArgs,
    answer: targetSchema,
    command: true,
    refusals: [...commandRefusals, "not_on"],
    mqtt: "reset",
    cli: "mltb reset TARGET",
    grpc: { method: "Reset", fields: ["target", "pulse_ms", "lease", "idempotency_key"] },
  }),
});
