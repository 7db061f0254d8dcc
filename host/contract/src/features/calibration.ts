import { z } from "../schema.ts";
import { call, feature, state } from "./feature.ts";
import { commandRefusals, ofTarget } from "./target.ts";

const ppm = z.int().min(-32_000).max(32_000).optional();
const offset_a = z.number().min(-0.32).max(0.32).optional();

/** A channel's calibration as it is measured; the board stores it in the steps that the sentences name. */
export const calibrationArgs = z
  .strictObject({
    voltage_ppm: ppm.describe("gain of the voltage less one, parts per million"),
    voltage_offset_v: z.number().min(-3.2).max(3.2).optional().describe("offset of the voltage, steps of 0.1 mV"),
    monitor_ppm: ppm.describe("gain of the channel monitor's current less one"),
    monitor_offset_a: offset_a.describe("offset of the channel monitor's current, steps of 10 uA"),
    fast_ppm: ppm.describe("gain of the fast current less one"),
    fast_offset_a: offset_a.describe("offset of the fast current, steps of 10 uA"),
    drift_ppm_per_k: z.int().min(-1000).max(1000).optional().describe("change of both currents' gain with temperature"),
    at_c: z
      .number()
      .min(-55)
      .max(150)
      .optional()
      .describe("temperature at which it was measured, steps of 0.01 K; 25 by default"),
  })
  .refine((args) => Object.keys(args).length > 0, "what is not given counts as nominal, but one of them is wanted")
  .meta({ minProperties: 1 });
export const calibrationRecordSchema = z
  .object({
    voltage_ppm: z.number(),
    voltage_offset_v: z.number(),
    monitor_ppm: z.number(),
    monitor_offset_a: z.number(),
    fast_ppm: z.number(),
    fast_offset_a: z.number(),
    drift_ppm_per_k: z.number(),
    at_c: z.number(),
  })
  .meta({ id: "CalibrationRecord", description: "A channel's calibration as its board stores it." });

export type CalibrationRecord = z.output<typeof calibrationRecordSchema>;

/** What a channel without a calibration is taken for. */
export const nominalCalibration: CalibrationRecord = {
  voltage_ppm: 0,
  voltage_offset_v: 0,
  monitor_ppm: 0,
  monitor_offset_a: 0,
  fast_ppm: 0,
  fast_offset_a: 0,
  drift_ppm_per_k: 0,
  at_c: 25,
};

export const calibrationSchema = z
  .object({
    board_revision: z.string(),
    current_a_per_code: z.number(),
    monitor_a_per_code: z.number(),
    voltage_v_per_code: z.number(),
    source: z
      .enum(["design", "board", "unknown"])
      .describe("design: nominal values of the parts; board: with what the board stores; unknown: it has not said yet"),
    current_offset_a: z.number(),
    monitor_offset_a: z.number(),
    voltage_offset_v: z.number(),
    temperature_c: z.number().nullable().describe("that the factors are for; null where the board does not know it"),
    damaged: z.boolean().describe("what the board stores fails its checksum and is not used"),
    record: calibrationRecordSchema.nullable().describe("what the board stores"),
  })
  .meta({
    id: "Calibration",
    description: "How codes of a channel's converters become amperes and volts: code x factor + offset.",
  });
export type CalibrationView = z.output<typeof calibrationSchema>;

export const calibration = feature(
  "calibration",
  "Scale factors of a target's channel, and the calibration that its board stores.",
  {
    get: call("GET", "/api/v1/targets/{target}/calibration", "The factors in use, and what the board stores.", {
      params: ofTarget,
      answer: calibrationSchema,
      refusals: ["unknown_target", "not_supported"],
      cli: "mltb calibration get TARGET",
      grpc: { method: "GetCalibration", fields: ["target"] },
    }),
    set: call(
      "PUT",
      "/api/v1/targets/{target}/calibration",
      "Store a calibration on the target's board; the answer is what the board reads back.",
      {
        params: ofTarget,
        role: "admin",
        body: calibrationArgs,
        answer: calibrationSchema,
        command: true,
        refusals: [...commandRefusals, "not_supported"],
        cli: "mltb calibration set TARGET FILE",
        grpc: {
          method: "SetCalibration",
          fields: [
            "target",
            "voltage_ppm",
            "voltage_offset_v",
            "monitor_ppm",
            "monitor_offset_a",
            "fast_ppm",
            "fast_offset_a",
            "drift_ppm_per_k",
            "at_c",
            "lease",
            "idempotency_key",
          ],
        },
      },
    ),
  },
  [state("target/T/state/calibration", calibrationSchema, "The factors in use, and what the board stores.")],
);
