import { z } from "../schema.ts";
import { calibrationRecordSchema, calibrationSchema } from "./calibration.ts";
import { call, feature } from "./feature.ts";
import { anyName, ofTarget } from "./target.ts";

const ofRecording = z.object({ id: z.string().min(1).max(64).describe("id of the recording") });

/** What measured a recording: figures of two meters, or of two ranges, are not compared. */
export const meterSchema = z
  .object({
    current: z.string().describe("part that samples the current"),
    range_a: z.number().positive().describe("largest current that it shows"),
    rate_hz: z.number().positive().describe("samples of the current a second"),
    voltage: z.string().describe("part that reads the voltage"),
  })
  .meta({ id: "Meter", description: "Parts that measured a recording, with range and rate." });
export type Meter = z.infer<typeof meterSchema>;

const recordedSchema = z
  .looseObject({
    id: z.string(),
    target: z.string(),
    rack: z.string(),
    channel: z.int(),
    simulated: z.array(z.string()).describe("parts that are simulated: rail, board, marker"),
    nominal_v: z.number(),
    board_revision: z.string(),
    firmware: z.string().nullable(),
    meter: meterSchema,
    calibration: calibrationSchema.shape.source,
    calibration_record: calibrationRecordSchema.nullable(),
    links_lost: z
      .int()
      .min(0)
      .describe("times that the board's link was lost meanwhile: a window across one is refused"),
    requests_inside: z
      .int()
      .min(0)
      .optional()
      .describe("requests to the board and presses of its buttons that fell into a window: each costs the board time"),
  })
  .meta({ id: "Recorded", description: "Windows between marker edges with their energy and its uncertainty budget." });

export const recording = feature("recording", "Energy between marker edges, on device time.", {
  start: call("POST", "/api/v1/targets/{target}/recordings", "Begin to record a target's samples and edges.", {
    params: ofTarget,
    body: z.strictObject({
      rails: z.array(anyName).max(7).optional().describe("further targets of the same rack, recorded with it"),
    }),
    answer: z.object({ id: z.string() }).meta({ id: "RecordingStarted", description: "A recording under way." }),
    status: 201,
    fenced: true,
    refusals: ["unknown_target", "malformed", "busy"],
    cli: "mltb run FILE",
  }),
  stop: call("POST", "/api/v1/recordings/{id}/stop", "End a recording and compute its windows.", {
    params: ofRecording,
    answer: recordedSchema,
    refusals: ["unknown_recording", "forbidden"],
  }),
  drop: call("DELETE", "/api/v1/recordings/{id}", "Throw a recording away.", {
    params: ofRecording,
    refusals: ["unknown_recording", "forbidden"],
  }),
  samples: call("GET", "/api/v1/recordings/{id}/{target}", "The samples of a stopped recording, compressed.", {
    params: ofRecording.extend(ofTarget.shape),
    stream: "application/gzip",
    refusals: ["unknown_recording"],
  }),
});
