import { nameSchema } from "../names.ts";
import { z } from "../schema.ts";
import { call, feature } from "./feature.ts";
import { commandRefusals, ofTarget, targetSchema } from "./target.ts";

export const strapArgs = z.strictObject({
  sequence: nameSchema.optional().describe("name of the sequence, such as recovery"),
});

export const strap = feature("strap", "Strap sequences of a target, such as entering its recovery mode.", {
  run: call("POST", "/api/v1/targets/{target}/strap", "Run a strap sequence on the board.", {
    params: ofTarget,
    body: strapArgs,
    answer: targetSchema,
    command: true,
    refusals: [...commandRefusals, "not_supported"],
    mqtt: "strap",
    cli: "mltb strap TARGET [SEQUENCE]",
    grpc: { method: "Strap", fields: ["target", "sequence", "lease", "idempotency_key"] },
  }),
});
