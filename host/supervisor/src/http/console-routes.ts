import { createReadStream } from "node:fs";
import { BayError, features, type InputOf } from "@mltb/contract";
import type { Commands } from "../commands.ts";
import type { BayHub } from "../events.ts";
import type { TargetConsole } from "../features/console.ts";
import type { Cuts } from "../leases/cuts.ts";
import type { App } from "./app.ts";
import { route } from "./bind.ts";
import type { Streams } from "./streams.ts";

/** Routes of consoles: live lines, the record of a lease. */
export function consoleRoutes(
  app: App,
  commands: Commands,
  consoles: Map<string, TargetConsole>,
  hub: BayHub,
  cuts: Cuts,
  streams: Streams,
): void {
  const { lines, record } = features.console.calls;

  function find(target: string): TargetConsole {
    commands.find(target);
    const found = consoles.get(target);
    if (found?.present === true) return found;
    throw new BayError("not_supported", `target ${target} has no console`, "name its port in the bay file: console");
  }

  route(app, lines, (input, _request, reply) => {
    const { target, tail, follow } = input as InputOf<typeof lines>;
    const found = find(target);
    const out = streams.begin(reply, "application/x-ndjson");
    // In one piece: what was said before is no backlog of a slow reader.
    const before = found.tail(tail).map((entry) => `${JSON.stringify(entry)}\n`);
    if (before.length > 0) out.write(before.join(""));
    if (follow === "false") {
      out.end();
      return;
    }
    const onLine = (of: string, line: string): void => {
      if (of === target) out.write(`${JSON.stringify({ at: new Date().toISOString(), line })}\n`);
    };
    hub.on("console", onLine);
    const uncut = cuts.add(target, (reason) => out.cut(`${JSON.stringify({ event: "cut", reason })}\n`));
    out.onClose(() => {
      uncut();
      hub.off("console", onLine);
    });
  });

  route(app, record, async (input, _request, reply) => {
    const { target, lease } = input as InputOf<typeof record>;
    const file = find(target).log.file(lease);
    if (file === undefined)
      throw new BayError("unknown_recording", `no console of ${target} is kept for lease ${lease}`);
    return reply.type("application/x-ndjson").send(createReadStream(file));
  });
}
