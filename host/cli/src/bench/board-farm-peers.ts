import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type PythonEnv, pythonEnv } from "../../../../.ci/python-env.ts";

const run = promisify(execFile);
const script = fileURLToPath(new URL("./board_farm_peer.py", import.meta.url));
const START_MS = 60_000;
const env = { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin`, PYTHONUNBUFFERED: "1" };

/** A peer's figures, or why there are none. */
export type Peer<T> = T | { reason: string };

export async function freePort(): Promise<number> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Waits until a port takes connections. */
async function listening(port: number, child: ChildProcess): Promise<void> {
  for (const started = performance.now(); performance.now() - started < START_MS; ) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(true));
      socket.on("error", () => resolve(false));
      socket.on("connect", () => socket.destroy());
    });
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`it does not listen after ${START_MS / 1000} s`);
}

/** A power switch of another maker, as the peers' drivers know it; says when each command has come. */
async function powerSwitch(): Promise<{ port: number; came_ns: bigint[]; close(): void }> {
  const came_ns: bigint[] = [];
  const server: Server = createServer((request, response) => {
    came_ns.push(process.hrtime.bigint());
    const url = new URL(request.url ?? "/", "http://switch");
    // Tasmota's answer names the state that was asked for; the `rest` back end reads none.
    const state = / (on|off)$/.exec(url.searchParams.get("cmnd") ?? "")?.[1]?.toUpperCase();
    request.resume();
    request.on("end", () => response.end(JSON.stringify(state === undefined ? {} : { POWER1: state })));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: (server.address() as AddressInfo).port, came_ns, close: () => server.close() };
}

/** Runs a program of the peers' environment in a folder of its own while `work` is under way. */
async function beside<T>(
  python: PythonEnv,
  port: number,
  command: string,
  args: (folder: string) => string[],
  work: () => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "mltb-peer-"));
  const child = spawn(python.bin(command), args(folder), { cwd: folder, env, stdio: "ignore" });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  try {
    await listening(port, child);
    return await work();
  } finally {
    child.kill("SIGKILL");
    await ended;
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measured<T>(work: (python: PythonEnv) => Promise<T>): Promise<Peer<T>> {
  const python = await pythonEnv("board-farm");
  if ("missing" in python) return { reason: python.missing.split("\n")[0] ?? "" };
  try {
    return await work(python);
  } catch (error) {
    return { reason: (error as Error).message.split("\n")[0] ?? "" };
  }
}

/** labgrid in its own process, from `driver.on()` to the power switch; milliseconds. */
export function labgridCommands(count: number): Promise<Peer<number[]>> {
  return measured(async (python) => {
    const pdu = await powerSwitch();
    try {
      const url = `http://127.0.0.1:${pdu.port}/relay/{index}`;
      const { stdout } = await run(python.python, [script, "commands", url, String(count)], { env });
      const { began_ns } = JSON.parse(stdout) as { began_ns: string[] };
      return began_ns.map((at, n) => Number((pdu.came_ns[n] as bigint) - BigInt(at)) / 1e6);
    } finally {
      pdu.close();
    }
  });
}

/** pdudaemon from a client's request to the power switch, which its Tasmota driver addresses; milliseconds. */
export function pdudaemonCommands(count: number): Promise<Peer<number[]>> {
  return measured(async (python) => {
    const [pdu, port] = [await powerSwitch(), await freePort()];
    const args = (folder: string): string[] => {
      const file = join(folder, "pdudaemon.conf");
      const daemon = { hostname: "127.0.0.1", port, logging_level: "ERROR", listener: "http" };
      const pdus = { switch: { driver: "tasmota", ip: `127.0.0.1:${pdu.port}`, port_count: 1 } };
      writeFileSync(file, JSON.stringify({ daemon, pdus }));
      return ["--conf", file];
    };
    try {
      return await beside(python, port, "pdudaemon", args, async () => {
        const times: number[] = [];
        for (let n = 0; n < count; n += 1) {
          const query = `hostname=switch&port=1&delay=0`;
          const began_ns = process.hrtime.bigint();
          const url = `http://127.0.0.1:${port}/power/control/${n % 2 === 0 ? "on" : "off"}?${query}`;
          const answer = await fetch(url);
          await answer.text();
          if (answer.status !== 200) throw new Error(`pdudaemon answered ${answer.status}`);
          times.push(Number((pdu.came_ns[n] as bigint) - began_ns) / 1e6);
        }
        return times;
      });
    } finally {
      pdu.close();
    }
  });
}

/** labgrid's coordinator: places acquired and released one after the other by one client. */
export function labgridLeases(places: number, count: number): Promise<Peer<{ acquire_ms: number[]; span_s: number }>> {
  return measured(async (python) => {
    const port = await freePort();
    const listen = `127.0.0.1:${port}`;
    return beside(
      python,
      port,
      "labgrid-coordinator",
      () => ["-l", listen],
      async () => {
        const { stdout } = await run(python.python, [script, "leases", listen, String(places), String(count)], { env });
        return JSON.parse(stdout) as { acquire_ms: number[]; span_s: number };
      },
    );
  });
}

/** Mosquitto with no-delay sockets, beside which `work` runs. */
export async function withMosquitto<T>(work: (url: string) => Promise<T>): Promise<Peer<T>> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "mltb-mosquitto-"));
  const file = join(folder, "mosquitto.conf");
  writeFileSync(file, `listener ${port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n`);
  const child = spawn("mosquitto", ["-c", file], { env, stdio: "ignore" });
  const failed = new Promise<Error>((resolve) => child.once("error", resolve));
  const ended = new Promise((resolve) => child.once("exit", resolve));
  try {
    const missing = await Promise.race([failed, listening(port, child).then(() => undefined)]);
    if (missing !== undefined) return { reason: "needs apt-get install mosquitto" };
    return await work(`mqtt://127.0.0.1:${port}`);
  } finally {
    child.kill("SIGKILL");
    if (child.pid !== undefined) await ended;
    rmSync(folder, { recursive: true, force: true });
  }
}
