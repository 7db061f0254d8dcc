import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type Bay, type BayBoard, bayTargets, readBayFile } from "@mltb/contract";
import type { SimulatedRack } from "@mltb/simulators";
import type {
  ByteTransport,
  bayPorts,
  consolePort,
  linkTransport,
  Supervisor,
  SupervisorOptions,
} from "@mltb/supervisor";
import { CliError, cliError, Exit, faultLine } from "../errors.ts";
import { createLog } from "../output/log.ts";
import type { Steps } from "../output/steps.ts";
import { storedConfigurations } from "./configurations.ts";
import { lockFolder } from "./folder-lock.ts";
import { createPanelRuns, type PanelRuns } from "./panel-runs.ts";
import { type BayState, removeState, runningBay, thisProcess, writeState } from "./state.ts";

export interface BringUpOptions {
  bayFile: string;
  /** The caller has `reload` called for SIGUSR2: `mltb reload` may send it. */
  reloads?: boolean;
  http: { host: string; port: number; named: boolean };
  mqtt:
    | { host: string; port: number; named: boolean }
    | { broker: string; user: string; password: string; ca?: Buffer };
  grpc?: { host: string; port: number; named: boolean };
  stateDir: string;
  simControl?: string;
  tls?: { cert: Buffer; key: Buffer; certFile: string };
  insecure?: boolean;
  compat?: boolean;
  compatPdudaemon?: { host: string; port: number; named: boolean };
  allowHosts?: string[];
  /** A clean end leaves the targets as they are. */
  keepTargets?: boolean;
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
  /** Reads the bay file again. Never rejects: faults and refusals stand in the state file. */
  reload(): Promise<void>;
  /** Makes every target safe (off, proved) unless `keepTargets`, stops everything and removes the state file. Idempotent. */
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
  const unlock = lockFolder(options.stateDir);
  if (unlock === undefined) {
    const text = `another bay comes up or ends in ${options.stateDir}`;
    throw cliError(Exit.unreachable, "bay-is-up", text, "wait for it, or give this one another --state folder");
  }

  const racks = new Map<string, SimulatedRack>();
  const closers: (() => Promise<void>)[] = [async () => unlock()];
  let panelRuns: PanelRuns | undefined;
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopped ??= (async () => {
      for (const close of closers.reverse()) await close();
    })();
    return stopped;
  };

  try {
    /** Simulated racks of a bay, which may be a part of one. */
    const bootRacks = async (of: Bay, bundle: string): Promise<number> => {
      const { createBayRacks } = await import("./simulated-racks.ts");
      const made = await createBayRacks(of, bundle, mltb, () => agentAccess);
      for (const [name, rack] of made) {
        racks.set(name, rack);
        rack.start();
      }
      return made.size;
    };
    const stopRack = async (name: string): Promise<void> => {
      const rack = racks.get(name);
      racks.delete(name);
      await rack?.stop();
      const { lateness } = await import("./simulated-racks.ts");
      const late = rack === undefined ? undefined : lateness(name, rack.counters);
      if (late !== undefined) steps.note(late);
    };
    // Credentials exist before the supervisor listens, because simulated targets start their agents with them.
    const agentAccess: { mqtt?: string; user?: string; passwordFile?: string } = {};
    if (simulatedRacks.length > 0) {
      const { buildBundle } = await import("@mltb/firmware");
      const bundle = await steps.run("build firmware (TypeScript to Lua)", async () => {
        const built = await buildBundle("monitoring");
        return { value: built, detail: `${built.name} sha256 ${built.sha256.slice(0, 12)}` };
      });
      await steps.run("boot simulated boards", async () => {
        const count = await bootRacks(bay, bundle.source);
        return { value: undefined, detail: `${count} board${count === 1 ? "" : "s"} run the Lua bundle` };
      });
    }
    closers.push(async () => {
      await Promise.all([...racks.keys()].map(stopRack));
    });

    const configurations = storedConfigurations(options.stateDir);
    closers.push(async () => configurations.close());
    const { startSupervisor, ...open } = await import("@mltb/supervisor");
    const ports = open.bayPorts(bay);
    const supervisor = await steps.run("start supervisor, broker and API", async () => {
      const started = await startSupervisor({
        bay,
        openBoard: transports(bay, racks, ports, open),
        console: consolesOf(bay, racks, ports, open),
        http: options.http,
        mqtt: options.mqtt,
        grpc: options.grpc,
        stateDir: options.stateDir,
        tls: options.tls,
        insecure: options.insecure,
        compat: options.compat,
        compatPdudaemon: options.compatPdudaemon,
        allowHosts: options.allowHosts,
        configurations: configurations.read,
        onButton: (rack, button, press) => panelRuns?.pressed(rack, button, press),
        log: createLog(options.logLevel ?? "warn"),
      });
      return { value: started, detail: started.http };
    });
    closers.push(async () => {
      const unsafe = options.keepTargets === true ? [] : await supervisor.makeSafe();
      if (unsafe.length > 0) steps.note(`not proved off: ${unsafe.join(", ")}`);
      await supervisor.stop();
    });
    const runs = createPanelRuns({
      bay,
      mltb,
      stateDir: options.stateDir,
      note: (rack, text) => supervisor.note(rack, text),
      log: (text) => steps.note(text),
    });
    panelRuns = runs;
    closers.push(() => runs.stop());
    agentAccess.mqtt = supervisor.agentCredentials.mqtt;
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
      ...thisProcess(),
      bay: bay.bay,
      bay_file: resolve(options.bayFile),
      reloads: options.reloads === true,
      http: supervisor.http,
      grpc: supervisor.grpc,
      mqtt: supervisor.mqtt,
      mqtt_local: supervisor.agentCredentials.mqtt,
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
    let reloading: Promise<unknown> = Promise.resolve();
    /** Reads the bay file again; what came of it stands in the state file, for `mltb reload`. */
    const reload = (): Promise<void> => {
      const work = async (): Promise<void> => {
        const at = new Date().toISOString();
        try {
          const next = loadBay(options.bayFile);
          const differing = open.compareRacks(bay, next);
          const anew = [...differing.added, ...differing.changed];
          const gone = bay.racks.filter((rack) => [...differing.changed, ...differing.removed].includes(rack.rack));
          const fresh = next.racks.filter((rack) => anew.includes(rack.rack) && rack.board.link === "simulated");
          const before = gone.map(({ board }) => [board.name, racks.get(board.name)] as const);
          if (fresh.length > 0) {
            const { buildBundle } = await import("@mltb/firmware");
            await bootRacks({ ...next, racks: fresh }, (await buildBundle("monitoring")).source);
          }
          const result = await supervisor.reload(next).catch(async (error: unknown) => {
            // Refused: what was is still there, and what was made for it is not needed.
            for (const { board } of fresh) await stopRack(board.name);
            for (const [name, rack] of before) if (rack !== undefined) racks.set(name, rack);
            throw error;
          });
          for (const [name, rack] of before) {
            if (racks.get(name) === rack) racks.delete(name);
            await rack?.stop();
          }
          state.targets = bay.racks.flatMap((rack) => rack.targets.map((target) => target.target));
          state.reload = { at, result };
          steps.note(`bay file read again: ${JSON.stringify(result)}`);
        } catch (error) {
          const faults =
            error instanceof CliError ? error.faults : [{ code: "refused", message: (error as Error).message }];
          state.reload = { at, errors: faults };
          for (const fault of faults) steps.note(faultLine(fault));
        }
        writeState(options.stateDir, state);
      };
      const next = reloading.then(work);
      reloading = next;
      return next;
    };
    return { bay, state, supervisor, agents: supervisor.agents, reload, stop };
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
): NonNullable<SupervisorOptions["console"]> {
  return (name) => {
    const found = bayTargets(bay).find(({ target }) => target.target === name);
    if (found?.target.console === undefined) return racks.get(found?.rack.board.name ?? "")?.console(name);
    return open.consolePort(found.target.console, ports);
  };
}
