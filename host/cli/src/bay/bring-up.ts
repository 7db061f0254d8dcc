import { resolve } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { type Bay, type BayBoard, bayTargets, readBayFile } from "@mltb/contract";
import type { SimulatedRack } from "@mltb/simulators";
import type { ByteTransport, bayPorts, consolePort, linkTransport, Supervisor } from "@mltb/supervisor";
import { CliError, cliError, Exit } from "../errors.ts";
import { createLog } from "../output/log.ts";
import type { Steps } from "../output/steps.ts";
import { type BayState, removeState, runningBay, writeState } from "./state.ts";

export interface BringUpOptions {
  bayFile: string;
  http: { host: string; port: number; named: boolean };
  mqtt: { host: string; port: number; named: boolean } | { broker: string; user: string; password: string };
  grpc?: { host: string; port: number; named: boolean };
  stateDir: string;
  simControl?: string;
  tls?: { cert: Buffer; key: Buffer; certFile: string };
  insecure?: boolean;
  compat?: boolean;
  compatPdudaemon?: { host: string; port: number; named: boolean };
  allowHosts?: string[];
  steps: Steps;
  logLevel?: string;
  signal?: AbortSignal;
}

/** A bay that this process has brought up. */
export interface RunningBay {
  bay: Bay;
  state: BayState;
  supervisor: Supervisor;
  /** Agents that have announced themselves and are online. */
  agents(): { name: string; grpc: string | null; http: string | null; metrics: string | null }[];
  /** Makes every target safe (off, proved), stops everything and removes the state file. Idempotent. */
  stop(): Promise<void>;
}

type Ports = ReturnType<typeof bayPorts>;

interface Links {
  consolePort: typeof consolePort;
  bayPorts: typeof bayPorts;
  linkTransport: typeof linkTransport;
}

/** Time for real boards to answer before the bay counts as up without them. */
const REAL_BOARDS_MS = 3000;

/** The bay of a file; faults end as one error with all of them. */
function loadBay(path: string): Bay {
  const result = readBayFile(path);
  if ("faults" in result) throw new CliError(Exit.usage, result.faults);
  return result.bay;
}

const mltb = fileURLToPath(new URL("../../bin/mltb.mjs", import.meta.url));

/** Brings a bay up: simulated racks where the file asks for them, supervisor, control socket, state file. */
export async function bringUp(options: BringUpOptions): Promise<RunningBay> {
  const { steps } = options;
  const other = runningBay(options.stateDir);
  if (other !== undefined) {
    throw cliError(
      Exit.unreachable,
      "bay-is-up",
      `bay ${other.bay} is already up in ${options.stateDir} (process ${other.pid})`,
      "stop it, or give this one another --state folder",
    );
  }
  const bay = loadBay(options.bayFile);
  const simulatedRacks = bay.racks.filter((rack) => rack.board.link === "simulated");
  if (options.simControl !== undefined && simulatedRacks.length === 0) {
    throw cliError(Exit.usage, "not-simulated", "--sim-control needs a bay with simulated boards");
  }

  const racks = new Map<string, SimulatedRack>();
  const closers: (() => Promise<void>)[] = [];
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopped ??= (async () => {
      for (const close of closers.reverse()) await close();
    })();
    return stopped;
  };

  try {
    // Credentials exist before the supervisor listens, because simulated targets start their agents with them.
    const agentAccess: { mqtt?: string; user?: string; passwordFile?: string } = {};
    if (simulatedRacks.length > 0) {
      const { buildBundle } = await import("@mltb/firmware");
      const bundle = await steps.run("build firmware (TypeScript to Lua)", async () => {
        const built = await buildBundle("monitoring");
        return { value: built, detail: `${built.name} sha256 ${built.sha256.slice(0, 12)}` };
      });
      const { createBayRacks, lateness } = await import("./simulated-racks.ts");
      await steps.run("boot simulated boards", async () => {
        const made = await createBayRacks(bay, bundle.source, mltb, () => agentAccess);
        for (const [name, rack] of made) {
          racks.set(name, rack);
          closers.push(async () => {
            await rack.stop();
            const late = lateness(name, rack.counters);
            if (late !== undefined) steps.note(late);
          });
          rack.start();
        }
        return { value: undefined, detail: `${made.size} board${made.size === 1 ? "" : "s"} run the Lua bundle` };
      });
    }

    const { startSupervisor, ...open } = await import("@mltb/supervisor");
    const ports = open.bayPorts(bay);
    const supervisor = await steps.run("start supervisor, broker and API", async () => {
      const started = await startSupervisor({
        bay,
        openBoard: transports(bay, racks, ports, open),
        console: consolesOf(bay, racks, ports, open, closers),
        http: options.http,
        mqtt: options.mqtt,
        grpc: options.grpc,
        stateDir: options.stateDir,
        tls: options.tls,
        insecure: options.insecure,
        compat: options.compat,
        compatPdudaemon: options.compatPdudaemon,
        allowHosts: options.allowHosts,
        simulated: simulatedRacks.length > 0,
        log: createLog(options.logLevel ?? "warn"),
      });
      return { value: started, detail: started.http };
    });
    closers.push(async () => {
      const unsafe = await supervisor.makeSafe();
      if (unsafe.length > 0) steps.note(`not proved off: ${unsafe.join(", ")}`);
      await supervisor.stop();
    });
    agentAccess.mqtt = supervisor.mqtt;
    agentAccess.user = supervisor.agentCredentials.user;
    agentAccess.passwordFile = supervisor.agentCredentials.passwordFile;

    if (options.simControl !== undefined) {
      const { serveControl } = await import("@mltb/simulators");
      const { bayControl } = await import("./simulated-racks.ts");
      const control = await serveControl(options.simControl, bayControl(bay, racks));
      closers.push(() => control.close());
    }

    const state: BayState = {
      schema: "mltb.bay-state/1",
      pid: process.pid,
      bay: bay.bay,
      bay_file: resolve(options.bayFile),
      http: supervisor.http,
      grpc: supervisor.grpc,
      mqtt: supervisor.mqtt,
      token_file: supervisor.tokenFile,
      mqtt_user: supervisor.mqttUser,
      mqtt_password_file: supervisor.mqttPasswordFile,
      targets: supervisor.targets,
      simulated: simulatedRacks.length > 0,
      ...(options.tls === undefined ? {} : { tls_certificate: options.tls.certFile }),
    };
    writeState(options.stateDir, state);
    closers.push(async () => removeState(options.stateDir));
    await steps.run("wait for the boards", async () => {
      // A simulated board that does not come is a fault of this program; a real one may be plugged in later.
      if (simulatedRacks.length === bay.racks.length) await supervisor.ready();
      else await supervisor.ready(REAL_BOARDS_MS).catch((error: Error) => steps.note(`${error.message}; waiting on`));
      return { value: undefined, detail: bay.racks.map((rack) => rack.board.name).join(", ") };
    });
    return { bay, state, supervisor, agents: supervisor.agents, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Transport of each board: memory of its simulated rack, or the port or address that its link names. */
function transports(
  bay: Bay,
  racks: Map<string, SimulatedRack>,
  ports: Ports,
  open: Links,
): (board: BayBoard) => ByteTransport {
  return (board) => {
    const of = bay.racks.find((entry) => entry.board.name === board.name);
    if (of !== undefined && board.link !== "simulated") return open.linkTransport(of, ports);
    const rack = racks.get(board.name);
    if (rack === undefined) throw cliError(Exit.internal, "no-transport", `board ${board.name} has no simulated rack`);
    return rack.transport;
  };
}

/** Console of each target: its serial port, or what its simulated computer says. */
function consolesOf(
  bay: Bay,
  racks: Map<string, SimulatedRack>,
  ports: Ports,
  open: Links,
  closers: (() => Promise<void>)[],
): (target: string) => Readable | undefined {
  return (name) => {
    const found = bayTargets(bay).find(({ target }) => target.target === name);
    if (found?.target.console === undefined) return racks.get(found?.rack.board.name ?? "")?.console(name);
    const port = open.consolePort(found.target.console, ports);
    closers.push(() => port.stop());
    return port.stream;
  };
}
