import { createReadStream } from "node:fs";
import { BayError, z } from "@mltb/contract";
import type { Commands } from "../commands.ts";
import type { Recordings } from "../energy/recordings.ts";
import type { App } from "./app.ts";

const target = z.object({ target: z.string() });
const id = z.object({ id: z.string() });

/** Routes of energy recordings: start, stop with windows and budget, discard, and the samples as a file. */
export function recordingRoutes(app: App, commands: Commands, recordings: Recordings): void {
  app.post("/api/v1/targets/:target/recordings", {
    schema: {
      params: target,
      body: z.strictObject({ rails: z.array(z.string()).max(7).optional() }).nullish(),
      response: { 201: z.object({ id: z.string() }) },
    },
    handler: async (request, reply) => {
      const { channel, board } = commands.find(request.params.target);
      return reply.status(201).send({ id: recordings.start(board, channel, request.body?.rails ?? []) });
    },
  });

  app.post("/api/v1/recordings/:id/stop", {
    schema: { params: id },
    handler: (request) => recordings.stop(request.params.id),
  });

  app.delete("/api/v1/recordings/:id", {
    schema: { params: id },
    handler: async (request, reply) => {
      recordings.discard(request.params.id);
      return reply.status(204).send();
    },
  });

  app.get("/api/v1/recordings/:id/:target", {
    schema: { params: id.extend(target.shape) },
    handler: async (request, reply) => {
      const { id: wanted, target: of } = request.params;
      const safe = /^[a-z0-9-]+$/.test(wanted) && /^[a-z0-9-]+$/.test(of);
      const file = safe ? recordings.file(wanted, of) : undefined;
      if (file === undefined) throw new BayError("unknown_recording", `no samples of ${wanted} ${of} are kept`);
      return reply.type("application/gzip").send(createReadStream(file));
    },
  });
}
