import { type Client, credentials, makeGenericClientConstructor, status } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readAccess } from "../src/access.ts";
import { serveGrpc } from "../src/grpc.ts";
import { Bytes, message, text } from "../src/protobuf-wire.ts";

/** What reached the handlers. */
const seen: unknown[] = [];
let served: Awaited<ReturnType<typeof serveGrpc>>;
let client: Client;

beforeAll(async () => {
  const ended = { HasArtifact: "present", RepositoryModelLoad: "", RepositoryModelUnload: "" };
  const unary = Object.keys(ended).map((name) => [
    name,
    (call: { request: unknown }, done: (error: null, answer: object) => void) => {
      seen.push(call.request);
      done(null, {});
    },
  ]);
  const Measure = (call: { request: unknown; end(): void }): void => {
    seen.push(call.request);
    call.end();
  };
  served = await serveGrpc({
    ...{ host: "127.0.0.1", port: 0, access: readAccess({}), limit_bytes: 2 ** 26, instance: "" },
    inference: Object.fromEntries(unary.slice(1)),
    bench: { ...Object.fromEntries(unary.slice(0, 1)), Measure },
    onCall: () => undefined,
  });
  client = new (makeGenericClientConstructor({}, ""))(`127.0.0.1:${served.port}`, credentials.createInsecure());
});
afterAll(async () => {
  client.close();
  await served.close();
});

interface Ended {
  code: status;
  details: string;
}

/** Sends the bytes of a request; gives how the call ended. */
function send(method: string, request: Uint8Array): Promise<Ended> {
  const same = (bytes: Buffer): Buffer => bytes;
  const path = `/${method.startsWith("Repository") ? "inference.GRPCInferenceService" : "mltb.agent.v1.Agent"}/${method}`;
  return new Promise((resolve) => {
    const call = client.makeServerStreamRequest(path, same, same, Buffer.from(request));
    call.on("data", () => undefined);
    call.on("error", () => undefined);
    call.on("status", resolve);
  });
}

/** A field without content, again and again. */
const empty = (id: number, times: number): Uint8Array => Buffer.alloc(2 * times, Buffer.from([(id << 3) | 2, 0]));
const refused = (details: string): Ended => expect.objectContaining({ code: status.INVALID_ARGUMENT, details });

test("requests of many small parts are refused before they are decoded; as many as are documented are served", async () => {
  seen.length = 0;
  const parameter = (i: number): Uint8Array =>
    message(3, Bytes.concat([text(1, `p${i}`), message(2, text(3, "value"))]));
  const parameters = (count: number): Uint8Array => Bytes.concat(Array.from({ length: count }, (_, i) => parameter(i)));
  for (const method of ["RepositoryModelLoad", "RepositoryModelUnload"]) {
    const many = refused("the request has more than 1024 parameters");
    expect(await send(method, parameters(1025))).toEqual(many);
    expect(await send(method, empty(3, 1_000_000))).toEqual(many);
    // One parameter whose value comes a million times.
    const deep = message(3, message(2, empty(3, 1_000_000)));
    expect(await send(method, deep)).toEqual(refused("the request has more than 8192 fields"));
  }
  const sets = refused("the request has more than 10000 input sets");
  expect(await send("Measure", empty(6, 10_001))).toEqual(sets);
  expect(await send("Measure", empty(6, 4_000_000))).toEqual(sets);
  const tensors = message(6, empty(1, 1_000_000));
  expect(await send("Measure", tensors)).toEqual(refused("the request has more than 50000 fields"));
  expect(await send("HasArtifact", empty(1, 1025))).toEqual(refused("the request has more than 1024 fields"));
  expect(seen).toEqual([]);
  expect((await send("RepositoryModelLoad", parameters(1024))).code).toBe(status.OK);
  expect((await send("Measure", empty(6, 10_000))).code).toBe(status.OK);
  const [load, measure] = seen as [{ parameters: object }, { inputs: unknown[] }];
  expect([Object.keys(load.parameters).length, measure.inputs.length]).toEqual([1024, 10_000]);
});

test("what is no message is refused as such, and groups, whose fields nobody counts, are none", async () => {
  seen.length = 0;
  const group = Buffer.from([0xa3, 1, 0xa4, 1]);
  const wrong = expect.objectContaining({
    code: status.INVALID_ARGUMENT,
    details: expect.stringMatching(/^the message is no request of \w+: /),
  });
  for (const method of ["RepositoryModelLoad", "Measure"])
    for (const bytes of [group, text(2, "cut short").subarray(0, 5)]) expect(await send(method, bytes)).toEqual(wrong);
  expect(seen).toEqual([]);
});
