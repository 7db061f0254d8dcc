import { type ErrorName, httpStatus, wireCode } from "../errors.ts";
import type { Call } from "../features/feature.ts";
import { calls, featureList } from "../features/index.ts";
import { problemSchema } from "../payloads.ts";
import type { z } from "../schema.ts";
import { type JsonSchema, Schemas } from "./json-schema.ts";

/** What any call may be refused with, before it comes to its feature. */
const everywhere: ErrorName[] = ["unauthorized", "forbidden", "foreign_host", "rate_limited", "internal"];

/** What the arguments and the body of a call may be refused with. */
export function refusalsOf(call: Call): ErrorName[] {
  const names = new Set<ErrorName>([...everywhere, ...call.refusals]);
  if (
    Object.keys(call.params.shape).length > 0 ||
    Object.keys(call.query.shape).length > 0 ||
    call.takes !== "nothing"
  ) {
    names.add("malformed");
  }
  if (call.takes !== "nothing") for (const name of ["too_large", "wrong_media_type"] as const) names.add(name);
  if (call.command) {
    for (const name of ["leased", "lease_ended", "key_reused", "store_failed"] as const) names.add(name);
  }
  if (call.fenced) for (const name of ["leased", "lease_ended"] as const) names.add(name);
  return [...names];
}

/** The OpenAPI 3.1 document of a bay's HTTP API. */
export function openapi(bay: string, version: string): Record<string, unknown> {
  const schemas = new Schemas();
  const problem = schemas.of(problemSchema);
  const paths: Record<string, Record<string, unknown>> = {};
  for (const { feature, name, call } of calls()) {
    const path = paths[call.path] ?? {};
    paths[call.path] = path;
    path[call.method.toLowerCase()] = {
      operationId: `${feature.name}.${name}`,
      tags: [feature.name],
      summary: call.summary,
      description: description(call),
      ...parametersOf(schemas, call),
      ...requestBody(schemas, call),
      responses: responses(schemas, call, problem),
    };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: `MLTB bay ${bay}`,
      version,
      description: "Power, reset, measurement, panel and leases of a bay. Errors are RFC 9457 problem documents.",
      license: { name: "MIT" },
    },
    servers: [{ url: "/" }],
    tags: featureList
      .filter((entry) => Object.keys(entry.calls).length > 0)
      .map((entry) => ({ name: entry.name, description: entry.summary })),
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: { token: { type: "http", scheme: "bearer" } },
      schemas: schemas.named,
    },
  };
}

function description(call: Call): string {
  const faces = [
    call.cli === undefined ? undefined : `CLI: \`${call.cli}\`.`,
    call.mqtt === undefined ? undefined : `MQTT: \`cmd/USER/.../${call.mqtt}\`.`,
    call.grpc === undefined ? undefined : `gRPC: \`mltb.board.v1.BoardService/${call.grpc.method}\`.`,
  ];
  return [`Role ${call.role}.`, ...faces.filter((face) => face !== undefined)].join(" ");
}

function parametersOf(schemas: Schemas, call: Call): { parameters?: unknown[] } {
  const list = (from: z.ZodObject, place: "path" | "query"): unknown[] =>
    Object.entries(from.shape).map(([name, field]) => {
      const schema = schemas.of(field as z.ZodType, "input");
      const required = place === "path" || !(field as z.ZodType).safeParse(undefined).success;
      return { name, in: place, required, schema };
    });
  const lease = header(
    "Mltb-Lease",
    "id of the lease under which the command is sent; it counts only from who has taken it",
  );
  const headers = call.command
    ? [lease, header("Idempotency-Key", "a command with the same key runs once")]
    : call.fenced
      ? [lease]
      : call.stream === "text/event-stream"
        ? [header("Last-Event-ID", "id of the last event that was seen; what came after it is sent first")]
        : [];
  const parameters = [...list(call.params, "path"), ...list(call.query, "query"), ...headers];
  return parameters.length === 0 ? {} : { parameters };
}

function header(name: string, text: string): unknown {
  return { name, in: "header", required: false, description: text, schema: { type: "string" } };
}

function requestBody(schemas: Schemas, call: Call): { requestBody?: unknown } {
  if (call.takes === "nothing") return {};
  if (call.takes === "bytes") {
    return { requestBody: { required: true, content: { "application/octet-stream": { schema: {} } } } };
  }
  const required = !call.body.safeParse({}).success;
  return { requestBody: { required, content: { "application/json": { schema: schemas.of(call.body, "input") } } } };
}

function responses(schemas: Schemas, call: Call, problem: JsonSchema): Record<string, unknown> {
  const all: Record<string, unknown> = {};
  const content =
    call.stream !== undefined
      ? { content: { [call.stream]: { schema: { type: "string" } } } }
      : call.answer === undefined
        ? {}
        : { content: { "application/json": { schema: schemas.of(call.answer) } } };
  all[String(call.status)] = { description: call.status === 204 ? "Done." : call.summary, ...content };
  if (call.deferrable) all["202"] = { description: "Accepted; the answer shows the state before.", ...content };
  const byStatus = new Map<number, string[]>();
  for (const name of refusalsOf(call)) {
    const status = httpStatus[name];
    byStatus.set(status, [...(byStatus.get(status) ?? []), wireCode(name)]);
  }
  for (const [status, codes] of [...byStatus].sort(([a], [b]) => a - b)) {
    all[String(status)] = {
      description: `Refused: ${codes.join(", ")}.`,
      content: { "application/problem+json": { schema: problem } },
    };
  }
  return all;
}
