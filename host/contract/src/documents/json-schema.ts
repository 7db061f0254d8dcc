import { z } from "../schema.ts";

/** A JSON Schema (2020-12) as it stands in a document. */
export interface JsonSchema {
  $ref?: string;
  type?: string;
  description?: string;
  enum?: (string | number)[];
  const?: unknown;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  additionalProperties?: JsonSchema | boolean;
  [key: string]: unknown;
}

/** Collects the named schemas of a document while schemas are turned into JSON Schema. */
export class Schemas {
  readonly named: Record<string, JsonSchema> = {};

  /** What `io` accepts or yields; schemas with a name are referred to as `#/components/schemas/NAME`. */
  of(schema: z.ZodType, io: "input" | "output" = "output"): JsonSchema {
    // Inside a wrapper a named schema becomes a reference, also at the root.
    const whole = z.toJSONSchema(z.object({ root: schema }), { io }) as JsonSchema;
    for (const [name, definition] of Object.entries((whole["$defs"] as Record<string, JsonSchema>) ?? {})) {
      this.named[name] = tidy(definition);
    }
    return tidy(whole.properties?.["root"] ?? {});
  }

  /** A schema or the named one that it refers to. */
  resolve(schema: JsonSchema): JsonSchema {
    const name = schema.$ref?.split("/").at(-1);
    return name === undefined ? schema : (this.named[name] ?? {});
  }
}

const SAFE = Number.MAX_SAFE_INTEGER;

/** References point at the components; the bounds of JavaScript's integers are no part of a contract. */
function tidy(value: JsonSchema): JsonSchema {
  const walk = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(walk);
    if (typeof node !== "object" || node === null) return node;
    const { type } = node as { type?: unknown };
    if (Array.isArray(type)) return { anyOf: type.map((word) => walk({ ...node, type: word })) };
    const entries = Object.entries(node)
      .filter(([key, entry]) => key !== "id" || typeof entry !== "string")
      .filter(([key, entry]) => !((key === "minimum" && entry === -SAFE) || (key === "maximum" && entry === SAFE)))
      .map(([key, entry]) => [
        key,
        key === "$ref" ? String(entry).replace("#/$defs/", "#/components/schemas/") : walk(entry),
      ]);
    return Object.fromEntries(entries);
  };
  return walk(value) as JsonSchema;
}

/** A schema in a few characters for a table: `{"state":"on"|"off","off_ms"?}`. */
export function shape(schemas: Schemas, schema: JsonSchema, depth = 2): string {
  const known = schemas.resolve(schema);
  if (known.anyOf !== undefined) return known.anyOf.map((entry) => shape(schemas, entry, depth)).join(" or ");
  if (known.const !== undefined) return JSON.stringify(known.const);
  if (known.enum !== undefined) return known.enum.map((entry) => JSON.stringify(entry)).join("|");
  if (known.type === "array") return `[${depth > 0 ? shape(schemas, known.items ?? {}, depth - 1) : ".."}]`;
  if (known.type !== "object") return known.type ?? "any";
  const fields = Object.entries(known.properties ?? {});
  if (fields.length === 0) return "{..}";
  if (depth === 0) return "{..}";
  const text = fields.map(([name, entry]) => {
    const inner = schemas.resolve(entry);
    const value = inner.enum !== undefined || inner.type === "object" ? `:${shape(schemas, entry, depth - 1)}` : "";
    return `"${name}"${known.required?.includes(name) === true ? "" : "?"}${value}`;
  });
  return `{${text.join(",")}}`;
}
