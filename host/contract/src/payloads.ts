import { z } from "./schema.ts";

/** Bodies of commands, shared by HTTP and MQTT (`args`). Units are in the names. */
export const powerArgs = z.strictObject({
  state: z.enum(["on", "off", "off-floating", "cycle"]),
  off_ms: z.int().min(0).max(60_000).optional().describe("dwell without power of a cycle; 1000 by default"),
});
export const resetArgs = z.strictObject({ pulse_ms: z.int().min(1).max(10_000).default(100) });
export const rearmArgs = z.strictObject({ fault: z.string().describe("id of the latched fault") });
export const locateArgs = z.strictObject({
  duration_ms: z.int().min(0).max(65_535).default(5000).describe("0 ends it"),
});
export const panelArgs = z.strictObject({
  lines: z
    .array(
      z
        .string()
        .max(20)
        .regex(/^[\x20-\x7d]*$/, "printable ASCII only"),
    )
    .max(4)
    .describe("empty: back to the status page"),
});

/** A command on `cmd/USER/...`. */
export const commandSchema = z.strictObject({
  id: z.string().min(1).max(64),
  expires_at: z.iso.datetime({ offset: true }).optional(),
  lease: z.string().optional(),
  args: z.unknown().optional(),
});

export const powerStateSchema = z.enum(["on", "off", "changing", "fault", "unknown"]);

/** A target as HTTP shows it, INTERFACES section 4. */
export const targetSchema = z.object({
  name: z.string(),
  rack: z.string(),
  channel: z.int(),
  power: powerStateSchema,
  voltage_v: z.number().nullable(),
  current_a: z.number().nullable(),
  power_w: z.number().nullable(),
  energy_j: z.number().nullable(),
  fault: z.object({ id: z.string(), cause: z.string(), at: z.string() }).nullable(),
  lease: z.object({ id: z.string(), holder: z.string(), expires_at: z.string() }).nullable(),
  health: z.record(z.string(), z.unknown()),
  seq: z.int(),
});
export type TargetView = z.infer<typeof targetSchema>;

export type Answer = {
  id: string;
  status: "accepted" | "done" | "refused" | "failed" | "unknown";
  code?: string;
  message?: string;
  state?: unknown;
  accepted_seq?: number;
};
