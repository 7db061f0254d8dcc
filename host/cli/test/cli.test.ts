import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createHostSession, nodeSeal } from "@mltb/protocol";
import { SerialPort } from "serialport";
import { afterAll, expect, test } from "vitest";
import { example, run, runExperiment, start, tracked } from "./mltb.ts";

const folder = mkdtempSync(join(tmpdir(), "mltb-cli-"));
const state = join(folder, "state");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("--help of every command exits 0 and says what it does", async () => {
  for (const words of [
    [],
    ["up"],
    ["run"],
    ["check"],
    ["status"],
    ["power"],
    ["power", "on"],
    ["reset"],
    ["measure"],
    ["panel"],
    ["firmware", "update"],
    ["firmware", "show"],
    ["firmware", "log"],
    ["calibration", "get"],
    ["calibration", "set"],
    ["locate"],
    ["strap"],
    ["markers"],
    ["health"],
    ["faults"],
    ["watch"],
    ["metrics"],
    ["token", "add"],
    ["simulate", "board"],
    ["agent", "inference"],
  ]) {
    const { code, out } = await run(...words, "--help");
    expect(code, words.join(" ")).toBe(0);
    expect(out).toMatch(/^Usage: mltb/);
  }
  // Twenty-five starts one after the other, on a machine that may be busy.
}, 180_000);

test.each([
  ["a missing file", ["check", "nowhere.yml"], 2, /nowhere\.yml not found/],
  ["a wrong option", ["status", "--bya", "x"], 2, /unknown option '--bya'/],
  ["an unknown command", ["pwoer"], 2, /unknown command 'pwoer'/],
  ["no bay", ["status", "--state", join(folder, "none")], 4, /no bay is up/],
  [
    "a wrong --set",
    ["check", example("quickstart.yml"), "--set", "measure.windws=1"],
    2,
    /unknown key windws \(did you mean windows\?\)/,
  ],
  [
    "an unknown target in an experiment",
    ["check", example("quickstart.yml"), "--set", "targets.0=lokal-cpu"],
    2,
    /did you mean local-cpu\?/,
  ],
])("%s: exit code and message", async (_name, args, code, message) => {
  const ended = await run(...args);
  expect(ended.err).toMatch(message);
  expect(ended.code).toBe(code);
});

test("with --json errors are one document on standard output", async () => {
  const { out, code } = await run("check", "nowhere.yml", "--json");
  expect(code).toBe(2);
  expect(JSON.parse(out).errors[0]).toMatchObject({ code: "file-not-found", line: 1, column: 1 });
});

test("the examples have no faults", async () => {
  expect((await run("check", example("demo-bay.yml"))).code).toBe(0);
  expect((await run("check", example("quickstart.yml"))).code).toBe(0);
});

test.each(["npm alone", "the whole group, as a terminal does"])("npm scripts: SIGINT to %s ends with 0", async (to) => {
  const args = ["run", "-s", "mltb", "--", "up", "--bay", example("demo-bay.yml"), "--http", "127.0.0.1:0"];
  const rest = ["--mqtt", "127.0.0.1:0", "--state", join(folder, "npm-state"), "--json"];
  const child = tracked(
    spawn("npm", [...args, ...rest], {
      cwd: fileURLToPath(new URL("../../..", import.meta.url)),
      stdio: ["ignore", "pipe", "ignore"],
      detached: true,
    }),
  );
  const ended = new Promise((resolve) => child.once("exit", (code, signal) => resolve(signal ?? code)));
  const ready = new Promise((resolve) => child.stdout.on("data", (data) => /ready/.test(String(data)) && resolve(0)));
  await ready;
  process.kill(to === "npm alone" ? (child.pid as number) : -(child.pid as number), "SIGINT");
  expect(await ended).toBe(0);
});

test("up, power, measure, panel, status, control socket; Ctrl-C makes the boards safe and ends with 0", async () => {
  const socket = join(folder, "control");
  const bay = await start(
    "up",
    "--bay",
    example("demo-bay.yml"),
    "--http",
    "127.0.0.1:0",
    "--mqtt",
    "127.0.0.1:0",
    "--state",
    state,
    "--sim-control",
    socket,
    "--json",
  );
  expect(bay.ready).toMatchObject({ event: "ready", bay: "demo", mqtt_user: "operator", agents: [] });
  expect(bay.ready["targets"]).toHaveLength(8);
  const on = await run("power", "on", "spare-3", "--state", state, "--json");
  expect(on.code).toBe(0);
  expect(JSON.parse(on.out)).toMatchObject({ name: "spare-3", power: "on" });
  const unknown = await run("power", "on", "spar-3", "--state", state);
  expect(unknown.code).toBe(2);
  expect(unknown.err).toContain("did you mean spare-3?");
  expect((await run("measure", "spare-3", "--state", state)).out).toMatch(/V .* A .* W .* J/);
  expect((await run("reset", "spare-3", "--pulse-ms", "20", "--state", state)).code).toBe(0);
  expect((await run("panel", "rack1", "hello", "--state", state)).out).toContain("|hello               |");
  expect((await run("status", "--state", state)).out).toContain("board rack1-monitor: ready");
  const answer = await new Promise<Record<string, Record<string, number>>>((resolve) => {
    const connection = createConnection(socket);
    connection.once("data", (chunk) => {
      connection.destroy();
      resolve(JSON.parse(String(chunk)));
    });
    connection.write('{"get":"pins","board":"rack1-monitor"}\n');
  });
  expect(answer["pins"]?.["switch3"]).toBe(1);
  const second = await run("up", "--bay", example("demo-bay.yml"), "--state", state);
  expect(second.code).toBe(4);
  expect(second.err).toContain("already up");
  expect(await bay.end()).toBe(0);
  expect(existsSync(join(state, "bay.json"))).toBe(false);
  expect(existsSync(socket)).toBe(false);
});

test("simulate board: serialport opens a real terminal device, is welcomed, and gets every byte value back", async () => {
  const link = join(folder, "board0");
  const board = await start("simulate", "board", "--kind", "monitoring", "--link", link, "--json");
  const port = new SerialPort({ path: link, baudRate: 115_200, autoOpen: false });
  await new Promise<void>((resolve, reject) => port.open((error) => (error === null ? resolve() : reject(error))));
  const data = Array.from({ length: 240 }, (_, i) => String.fromCharCode((i * 11) % 256)).join("");
  const now = (): number => Math.floor(performance.now());
  let welcomed = "";
  const session = createHostSession(
    { write: (bytes) => port.write(Buffer.from(bytes, "latin1")), room: () => 9999 },
    nodeSeal,
    "test",
    3,
    {
      onWelcome: (welcome) => {
        welcomed = welcome.kind;
      },
      onMessage: () => undefined,
      onLost: () => undefined,
      onPong: () => undefined,
    },
  );
  port.on("data", (chunk: Buffer) => session.rx(chunk.toString("latin1"), now()));
  session.connect(now());
  const timer = setInterval(() => session.tick(now()), 5);
  await expect.poll(() => welcomed, { timeout: 5000 }).toBe("monitoring");
  const outcome = await new Promise((resolve) => session.request("echo", { data }, 3000, now(), resolve));
  expect(outcome).toEqual({ kind: "answer", name: "echo_answer", body: { data } });
  clearInterval(timer);
  await new Promise<void>((resolve) => port.close(() => resolve()));
  expect(await board.end("SIGTERM")).toBe(0);
  expect(existsSync(link)).toBe(false);
});

const data = process.env["MLTB_DATASET"] ?? fileURLToPath(new URL("../../../../shared/data", import.meta.url));
const hasData = existsSync(join(data, "kws/kws01-inputs.bin"));
if (!hasData) console.warn(`skipped: no keyword inputs in ${data}; set MLTB_DATASET and MODELS_REPO`);

test.skipIf(!hasData).each(["kws_ref_model.onnx", "alibaba_open_kws.onnx"])(
  "kws.yml with %s: 182 of 200 right, latency and energy in the same run",
  async (model) => {
    const { out, code, err } = await runExperiment(
      example("kws.yml"),
      "--set",
      "measure.window_s=0.2",
      "--set",
      `models.0.file=$MODELS_REPO/${model}`,
      "--state",
      join(folder, model),
      "--out",
      folder,
      "--json",
    );
    expect(code, err).toBe(0);
    const [record] = JSON.parse(out).results;
    expect(record).toMatchObject({
      target_kind: "simulated",
      simulated: ["rail", "board", "marker"],
      accuracy: { metric: "top1", correct: 182, total: 200 },
      energy_refused: null,
    });
    expect(record.energy_uj_per_inference.method).toBe("edges");
    expect(record.windows).toHaveLength(5);
    expect(record.samples.lost).toBe(0);
  },
);

test("quick start on the WebAssembly target: a record with every field, a report without outside references", async () => {
  const { out, code, err } = await runExperiment(
    example("quickstart.yml"),
    "--set",
    "targets=[local-wasm]",
    "--set",
    "measure.windows=2",
    "--set",
    "measure.window_s=0.2",
    "--state",
    join(folder, "quick"),
    "--out",
    folder,
    "--json",
  );
  expect(code, err).toBe(0);
  const document = JSON.parse(out);
  expect(document.results).toHaveLength(2);
  expect(Object.keys(document.results[0])).toEqual([
    ...[
      "schema",
      "target",
      "target_kind",
      "simulated",
      "model",
      "runtime",
      "scenario",
      "seed",
      "warmup",
      "verdict",
      "reasons",
    ],
    ...[
      "latency_us",
      "phases_us",
      "throughput_per_s",
      "energy_uj_per_inference",
      "energy_refused",
      "windows",
      "samples",
    ],
    ...[
      "memory_bytes",
      "accuracy",
      "numerical_error",
      "numerical_error_refused",
      "network",
      "model_folder",
      "environment",
    ],
    ...["warnings", "fingerprint", "artifacts"],
  ]);
  expect(JSON.parse(readFileSync(join(document.folder, "result.json"), "utf8"))).toEqual(document);
  const report = readFileSync(join(document.folder, "report.html"), "utf8");
  for (const part of ["rail", "board", "marker"]) expect(report).toContain(`The ${part} is simulated`);
  expect(document.results[0].fingerprint.fields.simulated).toEqual(["rail", "board", "marker"]);
  expect(report).not.toMatch(/(src|href)=|<script|https?:/);
  expect(report).not.toContain("[object");
});

test("killing the process that runs the model drops the rail to idle", async () => {
  const dir = join(folder, "kill");
  const bay = await start(
    "up",
    "--bay",
    example("demo-bay.yml"),
    "--http",
    "127.0.0.1:0",
    "--mqtt",
    "127.0.0.1:0",
    "--state",
    dir,
    "--json",
  );
  const experiment = run(
    "run",
    example("quickstart.yml"),
    "--set",
    "targets=[local-cpu]",
    "--set",
    "models=[{name: resnet8, generate: resnet8}]",
    "--set",
    "measure.window_s=3",
    "--state",
    dir,
    "--out",
    folder,
    "--json",
  );
  const authorization = `Bearer ${readFileSync(join(dir, "token"), "utf8").trim()}`;
  const power = async (): Promise<number> => {
    const answer = await fetch(`${bay.ready["http"]}/api/v1/targets/local-cpu/measure`, {
      headers: { authorization },
    });
    return ((await answer.json()) as { power_w: number }).power_w;
  };
  await expect.poll(power, { timeout: 30_000, interval: 20 }).toBeGreaterThan(3.5);
  const models = bay.descendants("process/main.ts");
  expect(models.length).toBeGreaterThan(0);
  for (const pid of models) process.kill(pid, "SIGKILL");
  await expect.poll(power, { timeout: 20_000, interval: 20 }).toBeLessThan(1.4);
  const ended = await experiment;
  expect(JSON.parse(ended.out).results[0]).toMatchObject({ verdict: "invalid", energy_uj_per_inference: null });
  expect(ended.code).toBe(1);
  expect(await bay.end()).toBe(0);
});
