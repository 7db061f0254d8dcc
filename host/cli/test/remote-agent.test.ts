// A target that is not simulated by its bay file: its board is behind a serial port, its agent listens with TLS and a token.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunDocument } from "@mltb/bench";
import mqtt from "mqtt";
import { afterAll, beforeAll, expect, test } from "vitest";
import { certificate, NO_OPENSSL } from "../../supervisor/test/certificate.ts";
import { formsOf, formsOfKey, search } from "../../supervisor/test/secret-search.ts";
import { type Ended, type Running, run, start } from "./mltb.ts";

const folder = mkdtempSync(join(tmpdir(), "mltb-remote-"));
const file = (name: string): string => join(folder, name);
const machines = ["bench", "board", "stranger"];
for (const name of machines) mkdirSync(file(name));
const secure = machines.every((name) => certificate(file(name)) !== undefined);
writeFileSync(file("board/token"), "board-token-9d1f\n");
writeFileSync(file("stranger/token"), "stranger-token\n");
/** What a power strip's commands are given in the bay file, and what stands in the environment of everything here. */
const [stripPassword, environmentSecret] = ["strip-password-77aa", "environment-secret-5c20"];
process.env["LAB_API_KEY"] = environmentSecret;
const at = ["--state", file("state")];
const targets = ["jetson", "wrong-ca", "wrong-token", "loopback", "mistaken", "here"];
let port = 0;
let board: Running;
let bay: Running;
let agent: Running;
let broker: mqtt.MqttClient;

/** A port that is free now. */
function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port: free } = server.address() as { port: number };
      server.close(() => resolve(free));
    });
  });
}

/** The birth of an agent that is told of and not there. */
async function tell(target: string, grpc: string, more: object = {}): Promise<void> {
  const birth = { schema: "mltb.agent/1", name: target, target, grpc, tls: true, instance: "another-life", ...more };
  const topic = `mltb/v1/lab/agent/${target}`;
  const retained = { qos: 1, retain: true } as const;
  await broker.publishAsync(`${topic}/birth`, JSON.stringify({ ...birth, at: new Date().toISOString() }), retained);
  await broker.publishAsync(`${topic}/state`, "online", retained);
}

beforeAll(async () => {
  if (!secure) return;
  port = await freePort();
  const address = `address: "127.0.0.1:${port}"`;
  const [ca, token_file] = ["ca: board/cert.pem", "token_file: board/token"];
  const keys: Record<string, string[]> = {
    jetson: [address, ca, token_file],
    "wrong-ca": [address, "ca: stranger/cert.pem", token_file],
    "wrong-token": [address, ca, "token_file: stranger/token"],
    mistaken: [address, ca, token_file],
    loopback: [ca, token_file],
    here: [ca, token_file],
  };
  const rows = targets.map((name, i) => {
    return `      - { target: ${name}, channel: ${i + 1}, agent: { runtime: ort, ${keys[name]?.join(", ")} } }\n`;
  });
  writeFileSync(
    file("bay.yml"),
    `bay: lab\nracks:\n  - rack: rack1
    board: { name: b1, kind: monitoring, link: { serial: ./port } }
    targets:\n${rows.join("")}  - rack: rack2
    board:
      name: strip
      kind: foreign
      link:
        exec:
          commands:
            on: [sh, -c, "exit 7", sh, "--password", "${stripPassword}"]
            off: [sh, -c, "exit 0", sh, "--password", "${stripPassword}"]
    targets:
      - { target: lamp, channel: 1 }\n`,
  );
  writeFileSync(
    file("experiment.yml"),
    `experiment: remote\nbay: bay.yml\ntargets: [${targets.join(", ")}]
models: [{ name: m, generate: ds-cnn-kws }]\nmeasure: { warmup: 1, windows: 2, window_s: 0.3 }\n`,
  );
  board = await start("simulate", "board", "--kind", "monitoring", "--link", file("port"), "--json");
  const free = ["--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--json"];
  // A board reaches the broker over TLS as well.
  const own = file("bench/cert.pem");
  const tls = ["--tls", `${own},${file("bench/key.pem")}`];
  bay = await start("up", "--bay", file("bay.yml"), ...at, ...free, ...tls, "--compat");
  process.env["NODE_EXTRA_CA_CERTS"] = own;
  const url = bay.ready["mqtt"] as string;
  const password = file("state/mqtt-agent-password");
  agent = await start(
    ...["agent", "inference", "--grpc", `127.0.0.1:${port}`, "--http", "127.0.0.1:0", "--metrics", "127.0.0.1:0"],
    ...["--tls", file("board"), "--token-file", file("board/token"), "--advertise", "jetson.example"],
    ...["--mqtt", url, "--mqtt-user", "agent", "--mqtt-password-file", password],
    ...["--bay", "lab", "--name", "jetson", "--target", "jetson"],
  );
  delete process.env["NODE_EXTRA_CA_CERTS"];
  const login = { username: "agent", password: readFileSync(password, "utf8").trim(), ca: readFileSync(own) };
  broker = await mqtt.connectAsync(url, { protocolVersion: 4, ...login });
  for (const name of ["wrong-ca", "wrong-token", "mistaken"]) await tell(name, "board.example:8001");
  await tell("loopback", `127.0.0.1:${port}`);
  const machine = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  await tell("here", "board.example:8001", { machine });
}, 120_000);
afterAll(async () => {
  await broker?.endAsync(true);
  for (const one of [agent, bay, board]) await one?.end();
  rmSync(folder, { recursive: true });
});

/** Runs the experiment on targets that are on already: their agents do not come anew. */
async function measure(names: string[]): Promise<{ ended: Ended; run: RunDocument }> {
  await Promise.all(
    names.map(async (name) => expect((await run("power", "on", name, ...at)).err).not.toContain("error")),
  );
  const set = ["--set", `targets=[${names.join(", ")}]`];
  const ended = await run("run", file("experiment.yml"), ...set, ...at, "--out", file("out"), "--json");
  return { ended, run: JSON.parse(ended.out) };
}

/** Files that hold a secret each, the only ones that may: tokens, passwords that the bay has made, keys of listeners. */
const passwords = ["token", "mqtt-operator-password", "mqtt-agent-password", "mqtt-supervisor-password"];
const secretFiles = ["board/token", "stranger/token", "ci.token", ...passwords.map((name) => `state/${name}`)];
const keyFiles = machines.map((name) => `${name}/key.pem`);

/** Everything secret stands where it was given and nowhere else, in whatever form: not in runs, traces, recordings and stores. */
function expectNowhereElse(): void {
  const given = (name: string): string => readFileSync(file(name), "utf8").trim();
  const forms = (text: string): string[] => formsOf(Buffer.from(text));
  const found = search(folder, {
    ...Object.fromEntries(secretFiles.map((name) => [name, forms(given(name))])),
    ...Object.fromEntries(keyFiles.map((name) => [name, formsOfKey(given(name))])),
    "the strip's password": forms(stripPassword),
    "the environment's": forms(environmentSecret),
  });
  expect(found).toEqual({
    ...Object.fromEntries([...secretFiles, ...keyFiles].map((name) => [name, [name]])),
    "the strip's password": ["bay.yml"],
    "the environment's": [],
  });
}

/** What else leaves files behind, or brings secrets to the bay: a login of its own, Basic, a trace, a copy of the state. */
async function usedOtherwise(): Promise<void> {
  const said = async (...args: string[]): Promise<string> => {
    const ended = await run(...args);
    return `${ended.out}${ended.err}`;
  };
  await run("token", "add", "ci", "--role", "operator", "--out", file("ci.token"), ...at);
  const as = ["--token-file", file("ci.token")];
  const lines = [await said("power", "on", "lamp", ...at, ...as), await said("log", ...at, ...as, "--json")];
  expect(lines[0]).toContain("could not prove");
  const ca = readFileSync(file("bench/cert.pem"));
  const auth = `anybody:${readFileSync(file("ci.token"), "utf8").trim()}`;
  const status = await new Promise((resolve, reject) => {
    const url = `${bay.ready["http"]}/power/control/off?hostname=rack1&port=2`;
    get(url, { ca, auth }, (answer) => resolve(answer.resume().statusCode)).on("error", reject);
  });
  expect(status).toBe(200);
  lines.push(await said("trace", "b1", "--out", file("link.trace"), ...at));
  lines.push(await said("trace", file("link.trace"), "--json"));
  lines.push(await said("state", "backup", file("state-copy.db"), ...at));
  writeFileSync(file("said"), lines.join("\n"));
}

test.skipIf(!secure)(
  "a board whose agent listens with TLS and a token is measured, and its secrets are written nowhere",
  async () => {
    const { ended, run: document } = await measure(["jetson"]);
    const [record] = document.results;
    // The board behind the port says by its serial number that it is simulated; there is no marker.
    const simulated = ["rail", "board"];
    expect(record).toMatchObject({ target: "jetson", target_kind: "simulated", simulated });
    expect([ended.code, record?.reasons.filter((reason) => reason.includes("agent"))]).toEqual([0, []]);
    expect(record?.latency_us?.n).toBeGreaterThan(0);
    expect(record?.environment?.requests_meanwhile).toBe(0);
    await usedOtherwise();
    writeFileSync(file("said-of-run"), `${ended.out}${ended.err}`);
    expectNowhereElse();
  },
  120_000,
);

test.skipIf(!secure)(
  "a wrong certificate, a wrong token, a loopback address, an agent on this machine and another agent are refused, each with the mend",
  async () => {
    const { ended, run: document } = await measure(targets.slice(1));
    expect(ended.code).toBe(1);
    const reasons = Object.fromEntries(document.results.map(({ target, reasons: all }) => [target, all.join("; ")]));
    const said = `the agent on 127.0.0.1:${port} cannot be called`;
    expect(reasons["wrong-ca"]).toContain(said);
    expect(reasons["wrong-ca"]).toContain(`is ${file("stranger/cert.pem")} the certificate of the agent's --tls`);
    expect(reasons["wrong-token"]).toContain(
      `${said}: a bearer token is needed; is ${file("stranger/token")} a copy of`,
    );
    expect(reasons["loopback"]).toMatch(
      /announces 127\.0\.0\.1:\d+, which is this machine and not the board.*--advertise/,
    );
    expect(reasons["here"]).toMatch(/runs on this machine and not on the board .*start it there/);
    expect(reasons["mistaken"]).toContain(`another agent answers on 127.0.0.1:${port} than the one that was announced`);
    expect(document.results.map(({ verdict }) => verdict)).toEqual(Array(5).fill("invalid"));
    writeFileSync(file("said-of-refusals"), `${ended.out}${ended.err}`);
    expectNowhereElse();
  },
  120_000,
);

test.skipIf(!secure)("`check` names a certificate that is not there, at its place", async () => {
  const text = readFileSync(file("bay.yml"), "utf8").replace("ca: board/cert.pem", "ca: board/none.pem");
  writeFileSync(file("faulty.yml"), text);
  const { code, err } = await run("check", file("faulty.yml"));
  expect([code, err.split("\n")[0]]).toEqual([
    2,
    expect.stringMatching(/faulty\.yml:6:\d+: error: .*none\.pem not found/),
  ]);
});

if (!secure) console.warn(NO_OPENSSL);
