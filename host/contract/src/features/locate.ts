import { z } from "../schema.ts";
import { call, feature } from "./feature.ts";
import { commandRefusals, ofTarget, targetSchema } from "./target.ts";

export const locateArgs = z.strictObject({
  duration_ms: z.int().min(0).max(65_535).default(5000).describe("0 ends it"),
});

export const locate = feature("locate", "Showing a target on its rack's panel, for whoever stands before it.", {
  start: call("POST", "/api/v1/targets/{target}/locate", "Show the target on its rack's panel.", {
    params: ofTarget,
    body: locateArgs,
    answer: targetSchema,
    command: true,
    refusals: [...commandRefusals],
    mqtt: "locate",
    cli: "mltb locate TARGET",
    grpc: { method: "Locate", fields: ["target", "duration_ms", "lease", "idempotency_key"] },
  }),
});
