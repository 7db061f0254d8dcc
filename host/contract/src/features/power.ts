import { z } from "../schema.ts";
import { call, feature, state } from "./feature.ts";
import { commandRefusals, ofTarget, powerStateSchema, targetSchema } from "./target.ts";

export const powerArgs = z.strictObject({
  state: z.enum(["on", "off", "off-floating", "cycle"]).describe("what is asked for"),
  off_ms: z.int().min(0).max(60_000).optional().describe("dwell without power of a cycle; 1000 by default"),
});

export const power = feature(
  "power",
  "Switching a target's power. Done means that the board has proved the state by reading the rail back.",
  {
    set: call("PUT", "/api/v1/targets/{target}/power", "Switch a target's power and prove it.", {
      params: ofTarget,
      query: z.object({
        wait: z.enum(["true", "false"]).optional().describe("`false`: answer 202 at once, without the proof"),
      }),
      body: powerArgs,
      answer: targetSchema,
      deferrable: true,
      command: true,
      refusals: [...commandRefusals],
      mqtt: "power",
      cli: "mltb power on|off|off-floating|cycle TARGET",
      grpc: { method: "SetPower", fields: ["target", "state", "off_ms", "lease", "idempotency_key"] },
    }),
  },
  [
    state(
      "target/T/state/power",
      z.object({ state: powerStateSchema, at: z.string(), seq: z.int(), cause: z.string(), source: z.string() }),
      "Power state as the board proved it: on, off, changing, fault, unknown. `source`: api, mqtt, local (the panel) or policy.",
    ),
  ],
);
