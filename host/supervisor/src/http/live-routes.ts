import { createReadStream } from "node:fs";
import { BayError, features } from "@mltb/contract";
import type { Commands } from "../commands.ts";
import type { Recordings } from "../energy/recordings.ts";
import type { BayHub, SampleBlock } from "../events.ts";
import type { EventLog, LoggedEvent } from "../features/event-log.ts";
import type { Cuts } from "../leases/cuts.ts";
import type { App } from "./app.ts";
import { route } from "./bind.ts";
import type { Streams } from "./streams.ts";

/** A comment is sent so often where nothing happens, so that a dead connection is noticed. */
const BEAT_MS = 10_000;

/** Streams: server-sent events, samples as NDJSON, samples of a finished recording. */
export function liveRoutes(
  app: App,
  services: {
    commands: Commands;
    hub: BayHub;
    cuts: Cuts;
    events: EventLog;
    recordings: Recordings;
    streams: Streams;
  },
): void {
  const { commands, hub, cuts, events, recordings, streams } = services;

  route(app, features.bay.calls.events, (_input, request, reply) => {
    const last = request.headers["last-event-id"];
    const out = streams.begin(reply, "text/event-stream");
    // Whoever read a target's console under its lease reads it no longer: here too it is opened anew.
    const silent = new Set<string>();
    const send = ({ id, event, data }: LoggedEvent): void => {
      if (event === "console" && silent.has((data as { target: string }).target)) return;
      out.write(`id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    };
    out.write("retry: 1000\n\n");
    const missed = typeof last === "string" && last !== "" ? events.after(last) : undefined;
    if (missed !== undefined) for (const event of missed) send(event);
    else {
      const id = events.lastId();
      // Who asks for what is no longer kept is told so, and gets the state as it is now.
      if (typeof last === "string" && last !== "") send({ id, event: "gap", data: { after: last.slice(0, 64) } });
      for (const channel of commands.targets()) {
        send({ id, event: "power", data: { target: channel.view(), cause: "start", source: "policy" } });
      }
    }
    const stop = events.subscribe(send);
    const unwatch = cuts.watch((target, reason) => {
      if (silent.has(target)) return;
      silent.add(target);
      send({ id: events.lastId(), event: "console-cut", data: { target, reason } });
    });
    const beat = setInterval(() => out.write(": beat\n\n"), BEAT_MS);
    out.onClose(() => {
      clearInterval(beat);
      stop();
      unwatch();
    });
  });

  route(app, features.measure.calls.samples, (input, _request, reply) => {
    const { channel } = commands.find(input.target);
    const out = streams.begin(reply, "application/x-ndjson");
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
    const uncut = cuts.add(channel.name, (reason) => out.cut(`${JSON.stringify({ kind: "cut", reason })}\n`));
    out.onClose(() => {
      uncut();
      hub.off("samples", onSamples).off("voltage", onVoltage).off("marker", onMarker);
    });
  });

  route(app, features.recording.calls.samples, (input, _request, reply) => {
    const safe = /^[a-z0-9-]+$/.test(input.id) && /^[a-z0-9-]+$/.test(input.target);
    const file = safe ? recordings.file(input.id, input.target) : undefined;
    if (file === undefined)
      throw new BayError("unknown_recording", `no samples of ${input.id} ${input.target} are kept`);
    return reply.type("application/gzip").send(createReadStream(file));
  });
}
