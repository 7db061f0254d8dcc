import type { z } from "../schema.ts";
import { topicTable } from "../topics.ts";
import { Schemas } from "./json-schema.ts";

/** Capitals of the topic table and the names of the parameters that they stand for. */
const places: Record<string, string> = {
  T: "target",
  R: "rack",
  B: "board",
  A: "agent",
  USER: "user",
  FEATURE: "feature",
};

const meanings: Record<string, string> = {
  bay: "Name of the bay.",
  target: "Name of a target.",
  rack: "Name of a rack.",
  board: "Name of a board.",
  agent: "Name of an agent.",
  user: "The MQTT user that commands; the broker binds it.",
  feature: "Feature of the command.",
};

/** The AsyncAPI 3.0 document of a bay's MQTT topics; without a name it is for any bay. */
export function asyncapi(bay: string | undefined, version: string): Record<string, unknown> {
  const schemas = new Schemas();
  const channels: Record<string, unknown> = {};
  const operations: Record<string, unknown> = {};
  for (const row of topicTable) {
    const parts = row.topic.split("/");
    const id = parts
      .map((part) => (places[part] === undefined ? part : ""))
      .filter(Boolean)
      .join("-");
    const used = parts.map((part) => places[part]).filter((name) => name !== undefined);
    const address = ["mltb/v1", bay ?? "{bay}", ...parts.map((part) => (places[part] ? `{${places[part]}}` : part))];
    const names = bay === undefined ? ["bay", ...used] : used;
    const payload = Array.isArray(row.payload)
      ? { contentType: "text/plain", payload: { type: "string", enum: row.payload } }
      : {
          contentType: "application/json",
          payload:
            row.call === undefined
              ? schemas.of(row.payload as z.ZodType)
              : schemas.of(
                  (row.payload as z.ZodObject).extend({ args: row.call.body.extend(argsOf(row.call.params)) }),
                  "input",
                ),
        };
    channels[id] = {
      address: address.join("/"),
      description: row.meaning,
      ...(names.length === 0
        ? {}
        : { parameters: Object.fromEntries(names.map((name) => [name, { description: meanings[name] }])) }),
      messages: { [id]: { name: id, ...payload } },
      bindings: {},
    };
    operations[`${row.direction === "out" ? "send" : "receive"}-${id}`] = {
      action: row.direction === "out" ? "send" : "receive",
      channel: { $ref: `#/channels/${id}` },
      summary: row.meaning,
      bindings: { mqtt: { qos: row.qos, retain: row.retained, bindingVersion: "0.2.0" } },
    };
  }
  return {
    asyncapi: "3.0.0",
    info: {
      title: bay === undefined ? "MLTB" : `MLTB bay ${bay}`,
      version,
      description: "MQTT 3.1.1 topics of a bay. A command runs at most once per id; a retained or expired one never.",
    },
    defaultContentType: "application/json",
    channels,
    operations,
    components: { schemas: schemas.named },
  };
}

/** Arguments of a command that the topic does not name: those of the path but the target or rack. */
export function argsOf(params: z.ZodObject): Record<string, z.ZodType> {
  return Object.fromEntries(
    Object.entries(params.shape).filter(([name]) => name !== "target" && name !== "rack"),
  ) as Record<string, z.ZodType>;
}
