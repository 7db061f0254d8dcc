import { createReadStream } from "node:fs";
import { BayError, features, type InputOf } from "@mltb/contract";
import type { Commands } from "../commands.ts";
import type { BayHub } from "../events.ts";
import type { TargetConsole } from "../features/console.ts";
import type { Cuts } from "../leases/cuts.ts";
import type { App } from "./app.ts";
import { route } from "./bind.ts";
import { cutOff } from "./cut-off.ts";

/** A slow reader is cut off when this many bytes wait for it. */
const BACKLOG_BYTES = 1_000_000;

/** Routes of consoles: live lines, the record of a lease. */
export function consoleRoutes(
  app: App,
  commands: Commands,
  consoles: Map<string, TargetConsole>,
  hub: BayHub,
  cuts: Cuts,
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
    reply.hijack();
    const { raw } = reply;
    raw.writeHead(200, { "content-type": "application/x-ndjson", "cache-control": "no-store" });
    raw.flushHeaders();
    for (const entry of found.tail(tail)) raw.write(`${JSON.stringify(entry)}\n`);
    if (follow === "false") {
      raw.end();
      return;
    }
    const onLine = (of: string, line: string): void => {
      if (of !== target || raw.writableEnded) return;
      if (raw.writableLength > BACKLOG_BYTES) raw.destroy();
      else raw.write(`${JSON.stringify({ at: new Date().toISOString(), line })}\n`);
    };
    hub.on("console", onLine);
    const uncut = cuts.add(target, (reason) => cutOff(raw, `${JSON.stringify({ event: "cut", reason })}\n`));
    raw.once("close", () => {
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
