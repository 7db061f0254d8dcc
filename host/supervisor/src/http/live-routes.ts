import { BayError, z } from "@mltb/contract";
import { ampsPerCode, monitoringBoard } from "@mltb/hardware";
import type { Commands } from "../commands.ts";
import { Recording } from "../energy/recording.ts";
import type { BayEvents, BayHub, SampleBlock } from "../events.ts";
import type { App, Reply, Request } from "./app.ts";

/** A slow reader is cut off when this many bytes wait for it. */
const BACKLOG_BYTES = 4_000_000;
/** Time for the last block and the last edge to arrive after a recording is stopped. */
const SETTLE_MS = 400;
const RECORDINGS = 64;

const name = z.object({ target: z.string() });

/** Streams (server-sent events, NDJSON samples) and recordings. */
export function liveRoutes(app: App, commands: Commands, hub: BayHub, simulated: boolean): void {
  const recordings = new Map<string, { target: string; recording: Recording; end: () => void }>();
  let nextId = 1;

  function stream(
    request: Request,
    reply: Reply,
    type: string,
  ): { write(text: string): void; onClose(end: () => void): void } {
    reply.hijack();
    const raw = reply.raw;
    raw.writeHead(200, { "content-type": type, "cache-control": "no-store" });
    raw.flushHeaders();
    return {
      write(text) {
        if (raw.writableLength > BACKLOG_BYTES) raw.destroy();
        else raw.write(text);
      },
      onClose: (end) => request.raw.socket.once("close", end),
    };
  }

  app.get("/api/v1/events", {
    handler: (request, reply) => {
      const out = stream(request, reply, "text/event-stream");
      const send = (event: string, data: unknown): void =>
        out.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
      const listeners: [keyof BayEvents, (...args: never[]) => void][] = [];
      const on = <K extends keyof BayEvents>(event: K, handler: (...args: BayEvents[K]) => void): void => {
        hub.on(event, handler as never);
        listeners.push([event, handler as never]);
      };
      on("power", (target, cause, source) => send("power", { target, cause, source }));
      on("fault", (target) => send("fault", target));
      on("marker", (target, level, tick_us) => send("marker", { target, level, tick_us }));
      on("console", (target, line) => send("console", { target, line }));
      on("button", (rack, button, press) => send("button", { rack, button, press, source: "local" }));
      on("panel", (rack, page, lines) => send("panel", { rack, page, lines }));
      on("lifecycle", (board, state, reason) => send("lifecycle", { board, state, reason }));
      for (const channel of commands.targets())
        send("power", { target: channel.view(), cause: "start", source: "policy" });
      out.onClose(() => {
        for (const [event, handler] of listeners) hub.off(event, handler as never);
      });
    },
  });

  app.get("/api/v1/targets/:target/samples", {
    schema: { params: name },
    handler: (request, reply) => {
      const { channel } = commands.find((request.params as { target: string }).target);
      const out = stream(request, reply, "application/x-ndjson");
      const line = (value: unknown): void => out.write(`${JSON.stringify(value)}\n`);
      const onSamples = (block: SampleBlock): void => {
        if (block.target === channel.name) line({ kind: "samples", ...block });
      };
      const onVoltage = (target: string, tick_us: number, voltage_v: number): void => {
        if (target === channel.name) line({ kind: "voltage", target, tick_us, voltage_v });
      };
      const onMarker = (target: string, level: number, tick_us: number): void => {
        if (target === channel.name) line({ kind: "marker", target, level, tick_us });
      };
      hub.on("samples", onSamples).on("voltage", onVoltage).on("marker", onMarker);
      out.onClose(() => hub.off("samples", onSamples).off("voltage", onVoltage).off("marker", onMarker));
    },
  });

  app.post("/api/v1/targets/:target/recordings", {
    schema: { params: name, response: { 201: z.object({ id: z.string() }) } },
    handler: async (request, reply) => {
      const { channel, board } = commands.find(request.params.target);
      if (board.updating) throw new BayError("busy", `the firmware of ${board.name} is being updated`);
      const hardware = monitoringBoard.channels[channel.channel - 1] as (typeof monitoringBoard.channels)[0];
      const recording = new Recording(ampsPerCode(monitoringBoard, hardware));
      const onSamples = (block: SampleBlock): void => {
        if (block.target === channel.name)
          recording.samples(block.first, block.tick_us, block.period_us, block.current_a);
      };
      const onVoltage = (target: string, tick_us: number, voltage_v: number): void => {
        if (target === channel.name) recording.voltage(tick_us, voltage_v);
      };
      const onMarker = (target: string, level: number, tick_us: number): void => {
        if (target === channel.name) recording.marker(level, tick_us);
      };
      hub.on("samples", onSamples).on("voltage", onVoltage).on("marker", onMarker);
      const id = `rec-${nextId++}`;
      board.recordings += 1;
      const end = (): void => {
        if (recordings.has(id)) board.recordings -= 1;
        hub.off("samples", onSamples).off("voltage", onVoltage).off("marker", onMarker);
        recordings.delete(id);
      };
      recordings.set(id, { target: channel.name, recording, end });
      // A client that never stops its recordings loses the oldest.
      if (recordings.size > RECORDINGS) recordings.values().next().value?.end();
      return reply.status(201).send({ id });
    },
  });

  const find = (id: string): { target: string; recording: Recording; end: () => void } => {
    const entry = recordings.get(id);
    if (entry === undefined) throw new BayError("malformed", `there is no recording ${id}`);
    return entry;
  };

  app.post("/api/v1/recordings/:id/stop", {
    schema: { params: z.object({ id: z.string() }) },
    handler: async (request) => {
      const { id } = request.params;
      const { target, recording, end } = find(id);
      const started = Date.now();
      // Edges are events, samples a stream: wait until the samples have passed the last edge.
      while (recording.lastSample_us() < recording.lastMarker_us() + 30_000 && Date.now() - started < SETTLE_MS) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      end();
      const { channel } = commands.find(target);
      return {
        id,
        target,
        rack: channel.rack,
        channel: channel.channel,
        simulated: simulated ? ["rail"] : [],
        nominal_v: monitoringBoard.nominal_v,
        board_revision: monitoringBoard.revision,
        firmware: commands.find(target).board.welcome?.firmware ?? null,
        ...recording.result(),
      };
    },
  });

  app.delete("/api/v1/recordings/:id", {
    schema: { params: z.object({ id: z.string() }) },
    handler: async (request, reply) => {
      find(request.params.id).end();
      return reply.status(204).send();
    },
  });
}
