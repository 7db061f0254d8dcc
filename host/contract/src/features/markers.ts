import { z } from "../schema.ts";
import { call, event, feature } from "./feature.ts";
import { ofTarget } from "./target.ts";

const edgeSchema = z
  .object({ level: z.int(), tick_us: z.number(), at: z.string() })
  .meta({ id: "Edge", description: "An edge of a target's marker; `tick_us` is device time." });

export const markers = feature(
  "markers",
  "Edges of a target's marker line, in device time.",
  {
    list: call("GET", "/api/v1/targets/{target}/markers", "The last edges of a target's marker, at most 64.", {
      params: ofTarget,
      answer: z.array(edgeSchema),
      refusals: ["unknown_target"],
      cli: "mltb markers TARGET",
      grpc: { method: "ListMarkers", fields: ["target"] },
    }),
  },
  [event("target/T/event/marker", edgeSchema, "An edge of the target's marker, in device time.")],
);
