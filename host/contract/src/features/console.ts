import { z } from "../schema.ts";
import { call, event, feature, state } from "./feature.ts";
import { anyName, ofTarget } from "./target.ts";

const refusals = ["unknown_target", "not_supported"] as const;

export const console = feature(
  "console",
  "Lines of a target's console, and the boot that they show.",
  {
    lines: call(
      "GET",
      "/api/v1/targets/{target}/console",
      "The last lines of a target's console, then new ones live.",
      {
        params: ofTarget,
        query: z.object({
          tail: z.coerce.number<string | number>().int().min(0).max(1000).default(100).describe("lines from before"),
          follow: z.enum(["true", "false"]).default("true").describe("`false` ends after the lines from before"),
        }),
        stream: "application/x-ndjson",
        refusals: [...refusals, "busy"],
        cli: "mltb console TARGET",
      },
    ),
    record: call("GET", "/api/v1/targets/{target}/console/{lease}", "What a target's console said during a lease.", {
      params: ofTarget.extend({ lease: anyName.describe("id of the lease") }),
      stream: "application/x-ndjson",
      refusals: [...refusals, "unknown_recording"],
      cli: "mltb console TARGET --lease ID",
    }),
  },
  [
    event(
      "target/T/event/console",
      z.object({ line: z.string(), at: z.string() }),
      "A line of the target's console. Not cut at a lease's end: `state/lease` tells that.",
      0,
    ),
    state(
      "target/T/state/boot",
      z.object({
        state: z.enum(["none", "unknown", "off", "booting", "ready", "timeout"]),
        boot_ms: z.int().nullable(),
        at: z.string(),
      }),
      "Where the target is on its way to its ready condition (`unknown`: it was on before anybody looked); `boot_ms` from power on to the line that matched.",
    ),
  ],
);
