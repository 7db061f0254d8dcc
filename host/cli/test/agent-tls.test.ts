// An agent that listens with TLS and a token, and who may take it for what.
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateModel, grpcAgent } from "@mltb/bench";
import { afterAll, beforeAll, expect, test } from "vitest";
import { certificate, NO_OPENSSL } from "../../supervisor/test/certificate.ts";
import { type Running, run, start } from "./mltb.ts";

const folder = mkdtempSync(join(tmpdir(), "mltb-agent-tls-"));
const file = (name: string): string => join(folder, name);
for (const name of ["own", "stranger", "models"]) mkdirSync(file(name));
const secure = certificate(file("own")) !== undefined && certificate(file("stranger")) !== undefined;
writeFileSync(file("token"), "far-token\n");
writeFileSync(file("wrong-token"), "near-token\n");
const kws = generateModel("ds-cnn-kws");
const sha256 = createHash("sha256").update(kws).digest("hex");
writeFileSync(file("models/kws.onnx"), kws);
const raw = new Uint8Array(490 * 4);
const free = ["grpc", "http", "metrics"].flatMap((name) => [`--${name}`, "127.0.0.1:0"]);
const server = ["agent", "inference", ...free, "--no-mqtt"];
let far: Running;
let address = "";

beforeAll(async () => {
  if (!secure) return;
  const access = ["--tls", file("own"), "--token-file", file("token")];
  far = await start(...server, "--models", file("models"), ...access);
  address = far.ready["grpc"] as string;
}, 60_000);
afterAll(async () => {
  await far?.end();
  rmSync(folder, { recursive: true });
});

const route = (ca: string, token: string) => ({
  ca: { file: file(ca), pem: readFileSync(file(ca)) },
  token: { file: file("token"), text: token },
});
const call = { model: "kws", warmup: 0, windows: 1, window_s: 0.1, seed: 1, inputs: [[raw]] };
const ignore = (): void => undefined;

test.skipIf(!secure)(
  "with its certificate and its token an agent infers and measures; with others it is not reached",
  async () => {
    const signal = new AbortController().signal;
    const known = grpcAgent(address, route("own/cert.pem", "far-token"));
    expect((await known.infer("kws", await known.inputs("kws"), [raw])).length).toBe(12);
    await known.deploy("mine", sha256, kws);
    expect((await known.measure(call, ignore, signal)).windows[0]?.inferences).toBeGreaterThan(0);
    expect(await known.live()).toBe(true);
    known.close();
    for (const [way, reason] of [
      [route("stranger/cert.pem", "far-token"), /self-signed certificate/],
      [route("own/cert.pem", "near-token"), /a bearer token is needed/],
      [{}, /No connection/],
    ] as const) {
      const other = grpcAgent(address, way);
      await expect(other.inputs("kws")).rejects.toThrow(reason);
      await expect(other.deploy("mine", sha256, kws)).rejects.toThrow(reason);
      await expect(other.measure(call, ignore, signal)).rejects.toThrow(reason);
      expect(await other.live()).toBe(false);
      other.close();
    }
  },
);

test.skipIf(!secure)(
  "an agent that answers where another one was announced is asked for nothing, and does not count as living",
  async () => {
    const agent = grpcAgent(address, { ...route("own/cert.pem", "far-token"), instance: "another-life" });
    const other = `another agent answers on ${address} than the one that was announced`;
    await expect(agent.deploy("taken", sha256, kws)).rejects.toThrow(other);
    await expect(agent.inputs("taken")).rejects.toThrow(/unknown model/);
    await expect(
      agent.measure(call, () => expect.unreachable("a window"), new AbortController().signal),
    ).rejects.toThrow(other);
    expect(await agent.live()).toBe(false);
    agent.close();
  },
);

test.skipIf(!secure)(
  "oips:// drives a foreign server over TLS with its token; a wrong certificate or token is a model that cannot load",
  async () => {
    const runtime = ["--runtime", `oips://${address}`];
    const inferred = async (ca: string, token: string): Promise<number> => {
      const near = await start(...server, ...runtime, "--oip-ca", file(ca), "--oip-token-file", file(token));
      const api = grpcAgent(near.ready["grpc"] as string);
      try {
        await api.deploy("handed", sha256, kws);
        return (await api.infer("handed", await api.inputs("handed"), [raw])).length;
      } finally {
        api.close();
        await near.end();
      }
    };
    expect(await inferred("own/cert.pem", "token")).toBe(12);
    await expect(inferred("stranger/cert.pem", "token")).rejects.toThrow(/self-signed certificate/);
    await expect(inferred("own/cert.pem", "wrong-token")).rejects.toThrow(/a bearer token is needed/);
  },
  120_000,
);

test.each([
  [
    "a token for a server without TLS",
    ["--runtime", "oip://127.0.0.1:9", "--oip-token-file", file("token")],
    "oips://",
  ],
  ["a certificate that is not there", ["--runtime", "oips://127.0.0.1:9", "--oip-ca", file("none")], "none"],
  ["nowhere to be called", ["--advertise", "jetson:0"], "HOST or HOST:PORT"],
])("refused at the start: %s", async (_, args, words) => {
  const { code, err } = await run(...server, ...args);
  expect([code, err.includes(words)]).toEqual([2, true]);
});

if (!secure) console.warn(NO_OPENSSL);
