import { type ChildProcess, execFile, spawn } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { installTool, type PythonTool } from "@mltb/agent-kit";
import { generateModel, generateRelu } from "@mltb/bench";
import { type Benchmark, type Figure, spread } from "./figure.ts";

const run = promisify(execFile);
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const mltb = here("../../bin/mltb.mjs");
const CLIENTS = [1, 8, 64];
const SECONDS = 3;
const START_MS = 120_000;

/** Name, elements of the input, and calls of each way. */
const models: [name: string, title: string, shape: number[], runs: number][] = [
  ["kws", "2 kB", [1, 1, 49, 10], 400],
  ["relu-150k", "150 kB", [1, 37_500], 200],
  ["relu-12m", "12 MB", [1, 3_000_000], 20],
];

interface Row {
  model: string;
  server: string;
  via: string;
  clients: number;
  p50_us?: number;
  p99_us?: number;
  /** Of calls without inference. */
  p5_us?: number;
  overhead_us?: number;
  /** Overhead of the quickest calls: what other work on the machine adds is hardly in it. */
  overhead_p5_us?: number;
  per_s?: number;
  reason?: string;
}

interface Server {
  name: string;
  grpc: string;
  http: string;
}

/** The client's and the peer's packages, pinned. */
function peers(): PythonTool {
  const lines = readFileSync(here("./inference-peers.txt"), "utf8").split("\n");
  return { name: "inference-peers", version: "1", pins: lines.filter((line) => /^\w/.test(line)) };
}

function fileOf(folder: string, model: string): string {
  return join(folder, `${model}.onnx`);
}

function writeModels(folder: string): void {
  for (const [name, , shape] of models) {
    const elements = shape.reduce((a, b) => a * b, 1);
    writeFileSync(fileOf(folder, name), name === "kws" ? generateModel("ds-cnn-kws") : generateRelu(elements));
  }
}

async function agent(folder: string): Promise<{ server: Server; child: ChildProcess }> {
  const ports = ["grpc", "http", "metrics"].flatMap((name) => [`--${name}`, "127.0.0.1:0"]);
  const args = [mltb, "agent", "inference", "--models", folder, "--no-mqtt", ...ports];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout.once("data", (chunk) => resolve(String(chunk)));
    child.once("exit", (code) => reject(new Error(`the agent ended with ${code}`)));
  });
  const { grpc, http } = JSON.parse(line) as { grpc: string; http: string };
  return { server: { name: "mltb", grpc, http: http.replace("http://", "") }, child };
}

/** Free ports; taken by the peer a moment later. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) =>
          server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port)),
        ),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** MLServer with the same models; undefined, with the reason printed, where it does not start. */
async function mlserver(python: string, folder: string): Promise<{ server: Server; child: ChildProcess } | undefined> {
  const home = join(folder, "mlserver");
  const [http, grpc, metrics] = await freePorts(3);
  mkdirSync(home);
  copyFileSync(here("./inference_peer.py"), join(home, "inference_peer.py"));
  const settings = { host: "127.0.0.1", http_port: http, grpc_port: grpc, metrics_port: metrics, parallel_workers: 0 };
  writeFileSync(join(home, "settings.json"), JSON.stringify({ ...settings, grpc_max_message_length: 2 ** 30 }));
  for (const [name] of models) {
    mkdirSync(join(home, name));
    const parameters = { uri: fileOf(folder, name) };
    const model = { name, implementation: "inference_peer.OrtModel", parameters };
    writeFileSync(join(home, name, "model-settings.json"), JSON.stringify(model));
  }
  const env = { ...process.env, PYTHONPATH: home };
  const child = spawn(python, ["-c", "from mlserver.cli.main import main; main()", "start", home], {
    stdio: ["ignore", "ignore", "ignore"],
    env,
  });
  for (const until = Date.now() + START_MS; Date.now() < until && child.exitCode === null; ) {
    const ready = await fetch(`http://127.0.0.1:${http}/v2/health/ready`).catch(() => undefined);
    if (ready?.ok === true)
      return { server: { name: "MLServer", grpc: `127.0.0.1:${grpc}`, http: `127.0.0.1:${http}` }, child };
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  child.kill("SIGKILL");
  return undefined;
}

function figure(quantity: string, unit: string, value: number | undefined, rest: Partial<Figure>): Figure {
  const median = value ?? null;
  return { benchmark: "inference", quantity, median, low: median, high: median, unit, runs: 1, ...rest };
}

function figures(rows: Row[]): Figure[] {
  const titles = new Map(models.map(([name, title]) => [name, title]));
  const all: Figure[] = [];
  for (const row of rows) {
    const title = titles.get(row.model) ?? row.model;
    if (row.server === "raw") {
      all.push(figure(`bare ONNX Runtime call, ${title}`, "us p50", row.p50_us, {}));
      continue;
    }
    if (row.p5_us !== undefined) {
      // What protocol and client alone cost; it has no tensors, so that one row of it is enough.
      if (row.model === models[0]?.[0])
        all.push(figure(`${row.server} ${row.via}`, "us p50", row.p50_us, { low: row.p5_us }));
      continue;
    }
    const reason = row.reason === undefined ? {} : { reason: row.reason };
    if (row.overhead_us !== undefined || (row.reason !== undefined && row.clients === 1)) {
      const low = row.overhead_p5_us === undefined ? {} : { low: row.overhead_p5_us };
      const count = row.p99_us === undefined ? {} : { count: `p99 of the whole call ${Math.round(row.p99_us)} us` };
      all.push(
        figure(`${row.server} ${row.via} over the bare call, ${title}`, "us p50", row.overhead_us, {
          ...low,
          ...count,
          ...reason,
        }),
      );
    } else {
      const count = row.p50_us === undefined ? {} : { count: `p50 ${(row.p50_us / 1000).toFixed(1)} ms` };
      const quantity = `${row.server} ${row.via}, ${row.clients} client${row.clients === 1 ? "" : "s"}, ${title}`;
      all.push(figure(quantity, "1/s", row.per_s, { ...count, ...reason }));
    }
  }
  return all;
}

async function hops(folder: string): Promise<Figure[]> {
  const { measureHop } = await import("@mltb/agent-inference");
  const all: Figure[] = [];
  for (const [name, title, , runs] of models) {
    const { hop_us } = await measureHop(fileOf(folder, name), runs);
    const { median, low } = spread(hop_us);
    const p99 = [...hop_us].sort((a, b) => a - b)[Math.floor(hop_us.length * 0.99)] ?? Number.NaN;
    const rest = { low, high: p99, runs: hop_us.length, count: "high is p99" };
    all.push(figure(`hop to the model's process and back, ${title}`, "us p50", median, rest));
  }
  return all;
}

async function compare(folder: string): Promise<Figure[]> {
  let python: string;
  try {
    python = await installTool(peers());
  } catch (error) {
    return [
      figure("overhead and throughput through tritonclient", "us p50", undefined, { reason: (error as Error).message }),
    ];
  }
  const own = await agent(folder);
  const peer = await mlserver(python, folder);
  try {
    const servers = [own.server, ...(peer === undefined ? [] : [peer.server])];
    const about = Object.fromEntries(
      models.map(([name, , shape, runs]) => [name, { file: fileOf(folder, name), shape, runs }]),
    );
    const job = JSON.stringify({ servers, models: about, clients: CLIENTS, seconds: SECONDS });
    const { stdout } = await run(python, [here("./inference_client.py"), job], { maxBuffer: 16 << 20 });
    const missing = figure("MLServer", "us p50", undefined, { reason: "it did not start" });
    return [
      ...figures(JSON.parse(stdout.trim().split("\n").at(-1) ?? "[]") as Row[]),
      ...(peer === undefined ? [missing] : []),
    ];
  } finally {
    own.child.kill("SIGTERM");
    peer?.child.kill("SIGTERM");
  }
}

/** What the inference server adds to a bare call, beside a peer in the same run and through the same client. */
export const inference: Benchmark = {
  name: "inference",
  about: "inference server over a bare ONNX Runtime call, beside MLServer; installs both from PyPI at the first run",
  async run() {
    const folder = mkdtempSync(join(tmpdir(), "mltb-bench-inference-"));
    try {
      writeModels(folder);
      return [...(await hops(folder)), ...(await compare(folder))];
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
