import { z } from "@mltb/contract";

/** Faults that are told of one file. */
const TOLD = 5;

function dotted(path: PropertyKey[]): string {
  return path
    .map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`))
    .join("")
    .replace(/^\./, "");
}

function at(value: unknown, path: PropertyKey[]): unknown {
  let here = value;
  for (const key of path) here = (here as Record<PropertyKey, unknown> | null | undefined)?.[key];
  return here;
}

type Issue = z.core.$ZodIssue;

interface Fault {
  path: PropertyKey[];
  message: string;
}

/** Of a union the form that comes nearest: its faults lie deepest. */
function flat(issue: Issue, before: PropertyKey[] = []): Fault[] {
  const path = [...before, ...issue.path];
  if (issue.code !== "invalid_union" || issue.errors.length === 0) return [{ path, message: issue.message }];
  const depth = (faults: Fault[]): number => Math.max(...faults.map((fault) => fault.path.length));
  const forms = issue.errors.map((issues) => issues.flatMap((entry) => flat(entry, path)));
  return forms.sort((a, b) => depth(b) - depth(a))[0] as Fault[];
}

/** What a document that was read lacks of a form, field by field: `results[0].accuracy is missing`; undefined where it lacks nothing. */
export function formFaults(form: z.ZodType, document: unknown): string | undefined {
  const { error } = form.safeParse(document);
  if (error === undefined) return undefined;
  const faults = error.issues
    .flatMap((issue) => flat(issue))
    .map(({ path, message }) => {
      if (path.length === 0) return message;
      return at(document, path) === undefined ? `${dotted(path)} is missing` : `${dotted(path)}: ${message}`;
    });
  const more = faults.length - TOLD;
  return `${faults.slice(0, TOLD).join("; ")}${more > 0 ? `; and ${more} more` : ""}`;
}

const any = z.object({});
/** There, but perhaps null: readers tell null from an object, and know no third. */
const maybe = any.nullable();

const recordForm = z.object({
  target: z.string(),
  simulated: z.array(z.string()),
  model: z.object({ name: z.string() }),
  runtime: any,
  scenario: z.string(),
  verdict: z.string(),
  reasons: z.array(z.string()),
  latency_us: maybe,
  phases_us: maybe,
  throughput_per_s: z.number().nullable(),
  energy_uj_per_inference: maybe,
  windows: z.array(any),
  samples: any,
  memory_bytes: maybe,
  accuracy: maybe,
  numerical_error: maybe,
  fingerprint: z.object({ hash: z.string(), fields: any }),
  artifacts: z.array(z.object({ path: z.string(), sha256: z.string() })),
});

/** What readers of a run's document need of it. */
export const runForm = z.object({
  run_id: z.string(),
  started_at: z.string(),
  ended_at: z.string(),
  results: z.array(recordForm),
});

/** What a record and a report need of a recording. */
export const recordingForm = z.object({
  simulated: z.array(z.string()),
  rate_hz: z.number(),
  samples: z.object({ received: z.number(), lost: z.number() }),
  trace: z.object({ current_a: z.array(z.number()), voltage_v: z.array(z.number()) }),
  windows: z.array(z.object({ samples_lost: z.number(), terms: z.array(any) })),
});
