import { ErrorCode, type ErrorName, httpStatus, wireCode } from "../errors.ts";
import { featureList } from "../features/index.ts";
import type { z } from "../schema.ts";
import { topicTable } from "../topics.ts";
import { argsOf } from "./asyncapi.ts";
import { Schemas, shape } from "./json-schema.ts";
import { refusalsOf } from "./openapi.ts";

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");

/** Rows of docs/mqtt.md. */
export function topicRows(): string {
  const schemas = new Schemas();
  return topicTable
    .map((row) => {
      const payload = Array.isArray(row.payload)
        ? row.payload.join(" | ")
        : row.call === undefined
          ? shape(schemas, schemas.of(row.payload as z.ZodType))
          : `{"id","expires_at"?,"lease"?,"args":${shape(
              schemas,
              schemas.of(row.call.body.extend(argsOf(row.call.params)), "input"),
            )}}`;
      const retained = row.retained ? "yes" : "no";
      return `| \`${row.topic}\` | ${row.direction} | ${retained} | ${row.qos} | \`${cell(payload)}\` | ${cell(row.meaning)} |`;
    })
    .join("\n");
}

/** Sections of docs/api.md, one for each feature that can be called. */
export function featureSections(): string {
  const schemas = new Schemas();
  const sections = featureList
    .filter((entry) => Object.keys(entry.calls).length > 0)
    .map((entry) => {
      const parts = Object.values(entry.calls).map((call) => {
        const body =
          call.takes === "bytes"
            ? "the bytes themselves"
            : call.takes === "body"
              ? code(shape(schemas, schemas.of(call.body, "input")))
              : undefined;
        const answer =
          call.stream !== undefined
            ? `\`${call.stream}\``
            : call.answer === undefined
              ? "nothing (204)"
              : code(shape(schemas, schemas.of(call.answer), 3));
        const query = Object.keys(call.query.shape).map((name) => `\`?${name}=\``);
        const lines = [
          `### \`${call.method} ${call.path}\``,
          "",
          call.summary,
          "",
          `* role: ${call.role}`,
          ...(query.length === 0 ? [] : [`* query: ${query.join(", ")}`]),
          ...(body === undefined ? [] : [`* body: ${body}`]),
          `* answer: ${answer}`,
          ...(call.cli === undefined ? [] : [`* command line: \`${call.cli}\``]),
          ...(call.mqtt === undefined ? [] : [`* MQTT: \`cmd/USER/.../${call.mqtt}\``]),
          ...(call.grpc === undefined ? [] : [`* gRPC: \`${call.grpc.method}(${call.grpc.fields.join(", ")})\``]),
          `* refusals: ${ownRefusals(refusalsOf(call))}`,
        ];
        return lines.join("\n");
      });
      return [`## ${entry.name}`, "", entry.summary, "", ...parts.flatMap((part) => [part, ""])].join("\n");
    });
  return sections.join("\n");
}

const code = (text: string): string => `\`${text}\``;

/** Those that are not the same for every call. */
function ownRefusals(names: ErrorName[]): string {
  const own = names.filter(
    (name) => !["unauthorized", "forbidden", "foreign_host", "rate_limited", "internal"].includes(name),
  );
  return own.length === 0
    ? "those of every call"
    : own.map((name) => `${wireCode(name)} (${httpStatus[name]})`).join(", ");
}

/** Every code with its number and HTTP status. */
export function codeRows(): string {
  return (Object.keys(ErrorCode) as ErrorName[])
    .map((name) => `| \`${wireCode(name)}\` | ${ErrorCode[name]} | ${httpStatus[name]} |`)
    .join("\n");
}
