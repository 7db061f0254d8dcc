import { z } from "../schema.ts";
import { call, feature, state } from "./feature.ts";
import { commandRefusals, faultSchema, ofTarget, targetSchema } from "./target.ts";

export const rearmArgs = z.strictObject({ fault: z.string().min(1).max(64).describe("id of the latched fault") });

const latchedSchema = faultSchema
  .extend({ target: z.string() })
  .meta({ id: "Latched", description: "A target's fault." });

export const faults = feature(
  "faults",
  "Faults that a board has latched. A latched fault refuses `on` until it is re-armed.",
  {
    list: call("GET", "/api/v1/faults", "Every latched fault of the bay.", {
      answer: z.array(latchedSchema),
      cli: "mltb faults [TARGET]",
      grpc: { method: "ListFaults", fields: [] },
    }),
    rearm: call("POST", "/api/v1/targets/{target}/faults/{fault}/rearm", "Clear a latched fault.", {
      params: ofTarget.extend(rearmArgs.shape),
      answer: targetSchema,
      command: true,
      refusals: [...commandRefusals, "unknown_fault"],
      mqtt: "rearm",
      cli: "mltb faults TARGET --rearm",
      grpc: { method: "Rearm", fields: ["target", "fault", "lease", "idempotency_key"] },
    }),
  },
  [state("target/T/state/fault", faultSchema.nullable(), "Latched fault.")],
);
