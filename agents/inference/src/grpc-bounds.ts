import { invalid, isAgentError } from "./errors.ts";
import { eachField } from "./protobuf-wire.ts";

/** Fields of a message that are messages themselves, by number, with theirs. */
interface Parts {
  readonly [field: number]: Parts;
}

/** What of a request is decoded: that holds up every other call. */
interface Bound {
  /** Fields on all levels together. */
  fields: number;
  parts: Parts;
  /** The field that may come often. */
  often?: { field: number; most: number; what: string };
}

/** `parameters` of the repository's calls: an entry has its name and its value, and that has one field. */
const withParameters: Bound = {
  fields: 8192,
  parts: { 3: { 2: {} } },
  often: { field: 3, most: 1024, what: "parameters" },
};

const bounds: Record<string, Bound> = {
  RepositoryModelLoad: withParameters,
  RepositoryModelUnload: withParameters,
  Measure: { fields: 50_000, parts: { 6: {} }, often: { field: 6, most: 10_000, what: "input sets" } },
};
/** Of requests that are some words and numbers. */
const few: Bound = { fields: 1024, parts: {} };

function count(bytes: Uint8Array, { fields, parts, often }: Bound): void {
  let all = 0;
  let found = 0;
  const within = (message: Uint8Array, inner: Parts, top: boolean): void => {
    for (const { id, bytes: content } of eachField(message)) {
      all += 1;
      if (all > fields) throw invalid(`the request has more than ${fields} fields`);
      if (top && id === often?.field) found += 1;
      if (often !== undefined && found > often.most)
        throw invalid(`the request has more than ${often.most} ${often.what}`);
      const part = inner[id];
      if (part !== undefined) within(content, part, false);
    }
  };
  within(bytes, parts, true);
}

/** Decodes the request of a method, whose fields are counted first. Throws `invalid-argument`. */
export function decodeBounded(method: string, bytes: Buffer, decode: (bytes: Buffer) => unknown): unknown {
  try {
    count(bytes, (Object.hasOwn(bounds, method) ? bounds[method] : undefined) ?? few);
    return decode(bytes);
  } catch (error) {
    if (isAgentError(error)) throw error;
    throw invalid(`the message is no request of ${method}: ${(error as Error).message}`);
  }
}
