import { z } from "../schema.ts";
import { call, feature, state } from "./feature.ts";
import { ofTarget } from "./target.ts";

const measurementSchema = z
  .object({
    voltage_v: z.number().nullable(),
    current_a: z.number().nullable(),
    power_w: z.number().nullable(),
    energy_j: z.number().nullable(),
    at: z.string().describe("when it was measured"),
    seq: z.int(),
  })
  .meta({
    id: "Measurement",
    description:
      "The latest measurement; null while the board is away. `energy_j` counts since the supervisor started.",
  });

export const measure = feature(
  "measure",
  "Voltage, current, power and energy of a target.",
  {
    get: call("GET", "/api/v1/targets/{target}/measure", "The latest measurement of a target.", {
      params: ofTarget,
      answer: measurementSchema,
      refusals: ["unknown_target"],
      cli: "mltb measure TARGET",
      grpc: { method: "Measure", fields: ["target"] },
    }),
    samples: call(
      "GET",
      "/api/v1/targets/{target}/samples",
      "Samples, voltages and edges of a target, live, one block a line. After an update or a lost link the stream begins anew: its first block has `restarted`, with the rows that are missing before it by the device's clock (null where that began anew too), and `first` and `lost` count from 0.",
      {
        params: ofTarget,
        stream: "application/x-ndjson",
        refusals: ["unknown_target", "busy"],
      },
    ),
  },
  [state("target/T/state/measure", measurementSchema, "Latest measurement, at most 10 Hz.", 0)],
);
