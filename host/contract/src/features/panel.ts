import { z } from "../schema.ts";
import { call, event, feature, state } from "./feature.ts";
import { anyName } from "./target.ts";

export const panelArgs = z
  .strictObject({
    lines: z
      .array(
        z
          .string()
          .max(20)
          .regex(/^[\x20-\x7d]*$/, "printable ASCII only"),
      )
      .max(4)
      .optional()
      .describe("up to four lines of 20 characters; none: back to the status page"),
    locked: z.boolean().optional().describe("true: buttons show pages and switch nothing; Stop held for 2 s works on"),
    note: z
      .string()
      .max(20)
      .regex(/^[\x20-\x7d]*$/, "printable ASCII only")
      .optional()
      .describe("what the host is doing, on the board's and the rack's pages; empty removes it"),
  })
  .refine((args) => Object.keys(args).length > 0, "lines, locked or note is wanted")
  .meta({ minProperties: 1 });

const panelSchema = z
  .object({ page: z.string(), lines: z.array(z.string()) })
  .meta({ id: "Panel", description: "What a rack's display shows." });

const ofRack = z.object({ rack: anyName.describe("name of the rack") });

export const panel = feature(
  "panel",
  "The front panel of a rack: display and buttons.",
  {
    get: call("GET", "/api/v1/racks/{rack}/panel", "What a rack's display shows.", {
      params: ofRack,
      answer: panelSchema,
      refusals: ["unknown_rack"],
      cli: "mltb panel RACK",
      grpc: { method: "GetPanel", fields: ["rack"] },
    }),
    set: call(
      "PUT",
      "/api/v1/racks/{rack}/panel",
      "Write a page on a rack's display, lock its buttons or free them, or set its note.",
      {
        params: ofRack,
        body: panelArgs,
        answer: panelSchema,
        command: true,
        refusals: ["unknown_rack", "malformed", "not_confirmed", "board_failed", "board_lost", "outcome_unknown"],
        mqtt: "panel",
        cli: "mltb panel RACK LINE...",
        grpc: { method: "SetPanel", fields: ["rack", "lines", "idempotency_key", "locked", "note"] },
      },
    ),
  },
  [
    state("rack/R/state/panel", panelSchema, "What the rack's display shows."),
    event(
      "rack/R/event/button",
      z.object({
        button: z.enum(["up", "down", "select", "stop"]),
        press: z.enum(["short", "long", "held"]),
        source: z.literal("local"),
        at: z.string(),
      }),
      "A press of a front-panel button.",
    ),
  ],
);
