import { z } from "../schema.ts";
import { call, event, feature, state } from "./feature.ts";

export const bay = feature(
  "bay",
  "The bay as a whole: live events, metrics, descriptions, agents.",
  {
    events: call("GET", "/api/v1/events", "What happens in the bay, as server-sent events; `Last-Event-ID` resumes.", {
      stream: "text/event-stream",
      refusals: ["busy"],
      cli: "mltb watch",
    }),
    metrics: call("GET", "/metrics", "Prometheus metrics.", { stream: "text/plain", cli: "mltb metrics" }),
    openapi: call("GET", "/openapi.json", "The OpenAPI 3.1 description of this API.", {
      answer: z.record(z.string(), z.unknown()),
    }),
    asyncapi: call("GET", "/asyncapi.json", "The AsyncAPI 3.0 description of the bay's MQTT topics.", {
      answer: z.record(z.string(), z.unknown()),
    }),
  },
  [
    state(
      "agent/A/birth",
      z.looseObject({
        schema: z.string(),
        name: z.string(),
        target: z.string().optional(),
        kind: z.string().optional(),
        runtime: z.unknown(),
        grpc: z.string().nullable().optional(),
        tls: z.boolean().optional(),
        instance: z.string().optional(),
        machine: z.string().nullable().optional(),
      }),
      "What an agent can do and where it can be called (over TLS where `tls`); published by the agent. `instance` is what its answers over gRPC name as `mltb-instance`: that the one who answers is the one who was announced. `machine` is the boot id of its system.",
    ),
    state("agent/A/state", ["online", "offline"], "Whether the agent is there, plain text; `offline` is its will."),
    state(
      "agent/A/flags",
      z.object({ experiment_running: z.boolean(), available: z.boolean() }),
      "Whether a measurement runs in the agent, and whether it takes another one.",
    ),
    event(
      "agent/A/heartbeat",
      z.object({ at: z.string(), uptime_s: z.int(), models: z.int(), pending: z.int() }),
      "Every ten seconds: models that serve, requests that wait or run.",
      0,
    ),
    event(
      "agent/A/event/step",
      z.object({
        id: z.string(),
        step: z.string(),
        state: z.enum(["running", "done", "failed", "cancelled"]),
        progress: z.number().min(0).max(1),
        message: z.string().optional(),
        at: z.string(),
      }),
      "Progress of what the agent does for somebody.",
      0,
    ),
    event(
      "agent/A/event/log",
      z.object({ level: z.enum(["info", "warn", "error"]), line: z.string(), at: z.string() }),
      "A line of the agent's log.",
      0,
    ),
  ],
);
