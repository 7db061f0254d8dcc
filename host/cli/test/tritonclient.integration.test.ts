import { execFile, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { pythonEnv } from "../../../.ci/python-env.ts";
import { run as command, type Running, start } from "./mltb.ts";
import { type ElementType, elementTypes, identity } from "./onnx-models.ts";

const run = promisify(execFile);
const judge = fileURLToPath(new URL("./judge_tritonclient.py", import.meta.url));
const data = process.env["MLTB_DATASET"] ?? fileURLToPath(new URL("../../../../shared/data", import.meta.url));
const models = process.env["MODELS_REPO"] ?? join(data, "models");
const keyword = join(models, "kws_ref_model.onnx");
const trained = existsSync(keyword) && existsSync(join(data, "kws/kws01-inputs.bin"));
if (!trained)
  console.warn(`part of the judgement is left out: no keyword model or inputs in ${data}; set MLTB_DATASET`);

const env = await pythonEnv("tritonclient");
const folder = mkdtempSync(join(tmpdir(), "mltb-tritonclient-"));
let agent: Running | undefined;

beforeAll(async () => {
  if ("missing" in env) return;
  for (const type of Object.keys(elementTypes) as ElementType[])
    writeFileSync(join(folder, `id-${type.toLowerCase()}.onnx`), identity(type, [-1, -1]));
  writeFileSync(join(folder, "broken.onnx"), "not a model");
  for (const version of ["1", "2"]) {
    mkdirSync(join(folder, "versioned", version), { recursive: true });
    writeFileSync(join(folder, "versioned", version, "model.onnx"), identity("FP32", [-1, -1]));
  }
  if (trained) copyFileSync(keyword, join(folder, "kws_ref_model.onnx"));
  const ports = ["grpc", "http", "metrics"].flatMap((name) => [`--${name}`, "127.0.0.1:0"]);
  agent = await start("agent", "inference", "--models", folder, "--no-mqtt", ...ports);
}, 300_000);
afterAll(async () => {
  await agent?.end("SIGTERM");
  rmSync(folder, { recursive: true, force: true });
});

test.skipIf("missing" in env)(
  "tritonclient, gRPC and HTTP: every call, datatype and refusal is as it expects",
  async () => {
    const { grpc, http, metrics } = (agent as Running).ready as { grpc: string; http: string; metrics: string };
    const args = [
      judge,
      grpc,
      http.replace("http://", ""),
      metrics,
      trained ? data : "-",
      join(folder, "id-fp32.onnx"),
    ];
    const { stdout } = await run("missing" in env ? "" : env.python, args, { maxBuffer: 16 << 20 });
    const checks = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { check: string; ok: boolean; detail: string });
    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(checks.length).toBeGreaterThan(160);
    console.log(`${checks.length} checks by tritonclient`);
  },
  600_000,
);

const openssl = spawnSync("openssl", ["version"]).status === 0;
if (!openssl) console.warn("skipped: TLS, because openssl is not installed; apt-get install openssl");

/** Calls with no token, a wrong one and the right one, over gRPC and HTTP with the given certificate. */
const callsWithTokens = `
import sys
import tritonclient.grpc as g, tritonclient.http as h
grpc_at, http_at, cert = sys.argv[1:4]
clients = [g.InferenceServerClient(grpc_at, ssl=True, root_certificates=cert),
           h.InferenceServerClient(http_at, ssl=True, ssl_options={"ca_certs": cert})]
for client in clients:
    for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": "Bearer right-token"}):
        try:
            client.get_server_metadata(headers=headers)
            print("admitted")
        except Exception as error:
            print("refused" if "token" in str(error) else error)
`;

test.skipIf("missing" in env || !openssl)(
  "other addresses need TLS and a token, which gRPC and HTTP both ask for",
  async () => {
    const tls = join(folder, "tls");
    mkdirSync(tls);
    const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
    const files = ["-keyout", join(tls, "key.pem"), "-out", join(tls, "cert.pem"), "-days", "2"];
    await run("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", ...files, ...names]);
    writeFileSync(join(tls, "token"), "right-token\n");
    const ports = ["grpc", "http", "metrics"].flatMap((name) => [`--${name}`, "0.0.0.0:0"]);
    expect((await command("agent", "inference", "--no-mqtt", ...ports)).code).toBe(2);
    const secured = await start(
      "agent",
      "inference",
      "--no-mqtt",
      ...ports,
      "--tls",
      tls,
      "--token-file",
      join(tls, "token"),
    );
    const { grpc, http } = secured.ready as { grpc: string; http: string };
    const at = [grpc, http.replace("https://", "")].map((address) => address.replace("0.0.0.0", "localhost"));
    const { stdout } = await run("missing" in env ? "" : env.python, [
      "-c",
      callsWithTokens,
      ...at,
      join(tls, "cert.pem"),
    ]);
    expect(stdout.trim().split("\n")).toEqual(["refused", "refused", "admitted", "refused", "refused", "admitted"]);
    expect(await secured.end("SIGTERM")).toBe(0);
  },
);
