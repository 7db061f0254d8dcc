import { z } from "@mltb/contract";
import type { Commands } from "../commands.ts";
import type { BayEvents, BayHub, SampleBlock } from "../events.ts";
import type { Cuts } from "../leases/cuts.ts";
import type { App, Reply } from "./app.ts";

/** A slow reader is cut off when this many bytes wait for it. */
const BACKLOG_BYTES = 4_000_000;

const name = z.object({ target: z.string() });

/** Streams: server-sent events, samples as NDJSON. */
export function liveRoutes(app: App, commands: Commands, hub: BayHub, cuts: Cuts): void {
  function stream(
    reply: Reply,
    type: string,
  ): { write(text: string): void; end(text: string): void; onClose(end: () => void): void } {
    reply.hijack();
    const raw = reply.raw;
    raw.writeHead(200, { "content-type": type, "cache-control": "no-store" });
    raw.flushHeaders();
    return {
      write(text) {
        if (raw.writableLength > BACKLOG_BYTES) raw.destroy();
        else if (!raw.writableEnded) raw.write(text);
      },
      end: (text) => void raw.end(text),
      onClose: (end) => raw.once("close", end),
    };
  }

  app.get("/api/v1/events", {
    handler: (_request, reply) => {
      const out = stream(reply, "text/event-stream");
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
      on("boot", (target, boot) => send("boot", { target, ...boot }));
      on("button", (rack, button, press) => send("button", { rack, button, press, source: "local" }));
      on("panel", (rack, page, lines) => send("panel", { rack, page, lines }));
      on("lease", (target, lease) => send("lease", { target, lease }));
      on("flags", (target, flags) => send("flags", { target, ...flags }));
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
      const out = stream(reply, "application/x-ndjson");
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
      const uncut = cuts.add(channel.name, (reason) => out.end(`${JSON.stringify({ kind: "cut", reason })}\n`));
      out.onClose(() => {
        uncut();
        hub.off("samples", onSamples).off("voltage", onVoltage).off("marker", onMarker);
      });
    },
  });
}
