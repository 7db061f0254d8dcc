import { randomInt } from "node:crypto";
import { join } from "node:path";
import { type Bay, type BayError, type BayRack, type BayTarget, bayTargets, topics } from "@mltb/contract";
import { Tokens } from "./auth/tokens.ts";
import { policyCaller } from "./call.ts";
import { Commands } from "./commands.ts";
import { Board } from "./device/board.ts";
import { createHub } from "./events.ts";
import { createFaces } from "./faces.ts";
import { TargetConsole } from "./features/console.ts";
import { Flags } from "./features/flags.ts";
import { createMetrics } from "./metrics/registry.ts";
import { stateMetrics } from "./metrics/state.ts";
import { type AgentSeen, followAgents, retainedByAgents } from "./mqtt/agents.ts";
import { type Broker, listen, startBroker } from "./mqtt/broker.ts";
import { connectMqtt } from "./mqtt/client.ts";
import { answerOrphans, serveCommands } from "./mqtt/commands.ts";
import { startPublisher } from "./mqtt/publisher.ts";
import { refuseInsecure, type SupervisorOptions } from "./options.ts";
import { type ReloadResult, reloadBay } from "./reload.ts";
import { secretFile } from "./secrets.ts";
import { openState } from "./state.ts";
import { Checkpoints } from "./store/checkpoints.ts";

const VERSION = "0.1.0";

export interface Supervisor {
  http: string;
  /** HOST:PORT of `mltb.board.v1`. */
  grpc: string;
  mqtt: string;
  tokenFile: string;
  mqttUser: string;
  mqttPasswordFile: string;
  /** For programs of this machine, such as agents: address without TLS, user and password file at the broker. */
  agentCredentials: { mqtt: string; user: string; passwordFile: string };
  targets: string[];
  /** Agents that are online now. */
  agents(): AgentSeen[];
  /** Resolves when every board is ready; rejects after the time-out with the boards that are not. */
  ready(timeout_ms?: number): Promise<void>;
  /** Takes a changed bay file over; racks whose part is the same are not touched. */
  reload(next: Bay): Promise<ReloadResult>;
  /** Shows a line on a rack's display; rejects where the board does not take it. */
  note(rack: string, text: string): Promise<void>;
  /** Switches every target off; resolves with the targets whose off was not proved. */
  makeSafe(): Promise<string[]>;
  stop(): Promise<void>;
}

const READY_MS = 10_000;

/** Starts links, broker, MQTT features, HTTP API and metrics of a bay. */
export async function startSupervisor(options: SupervisorOptions): Promise<Supervisor> {
  const { bay, log } = options;
  refuseInsecure(options);
  const token = secretFile(options.stateDir, "token");
  const tokens = new Tokens(options.stateDir, token.value, (error) => log.error(error.message));
  const hub = createHub();
  if (options.onButton !== undefined) hub.on("button", options.onButton);
  const nonce = randomInt(1, 65_536);
  const makeBoard = (rack: BayRack): Board => new Board(rack, options.openBoard(rack.board), hub, nonce);
  const makeConsole = (target: BayTarget): TargetConsole =>
    new TargetConsole(
      target,
      options.console?.(target.target),
      hub,
      join(options.stateDir, "consoles"),
      commands.lookup(target.target)?.channel.lease ?? null,
    );
  const boards = bay.racks.map(makeBoard);
  const commands = new Commands(boards);
  const state = openState(options.stateDir, bay, commands, hub, (error) => log.warn(error.message));
  const consoles = new Map(bayTargets(bay).map(({ target }) => [target.target, makeConsole(target)] as const));
  const find = (target: string) => commands.lookup(target)?.channel;
  const flags = new Flags(hub, find, state.leases);
  const metrics = createMetrics(boards, consoles);
  const operator = secretFile(options.stateDir, "mqtt-operator-password");
  const agent = secretFile(options.stateDir, "mqtt-agent-password");
  const own = secretFile(options.stateDir, "mqtt-supervisor-password");
  const root = topics(bay.bay).root;

  let broker: Broker | undefined;
  let url: string;
  let login = { user: "supervisor", password: own.value };
  if ("broker" in options.mqtt) {
    url = options.mqtt.broker;
    login = { user: options.mqtt.user, password: options.mqtt.password };
  } else {
    broker = await startBroker({
      ...options.mqtt,
      noDelay: options.noDelay,
      tls: options.tls,
      users: [
        { name: "supervisor", password: own.value, publish: ["#"] },
        { name: "operator", password: operator.value, publish: [`${root}/cmd/operator/#`] },
        {
          ...{ name: "agent", password: agent.value, publish: [`${root}/agent/#`, `${root}/target/+/event/#`] },
          retain: retainedByAgents(bay.bay),
        },
      ],
    }).catch((error: unknown) => {
      state.close();
      throw error;
    });
    url = `${options.tls === undefined ? "mqtt" : "mqtts"}://${options.mqtt.host}:${broker.port}`;
  }
  const mqtt = await connectMqtt({
    url: broker?.local ?? url,
    ...login,
    newest: "broker" in options.mqtt,
    ca: "broker" in options.mqtt ? options.mqtt.ca : undefined,
    noDelay: options.noDelay,
    clientId: `mltb-supervisor-${bay.bay}-${nonce}`,
    will: { topic: topics(bay.bay).supervisor, payload: "lost" },
  }).catch(async (error: unknown) => {
    await broker?.close();
    state.close();
    throw error;
  });

  const faces = await createFaces({
    options,
    version: VERSION,
    boards,
    commands,
    hub,
    state,
    tokens,
    metrics,
    consoles,
    log,
  });

  hub.on("lifecycle", (board, state, reason) => log.info({ board, state, reason }, "board lifecycle"));
  hub.on("power", (target, cause, source) =>
    log.info({ target: target.name, power: target.power, cause, source }, "power"),
  );
  hub.on("log", (board, level, text) => log[level >= 3 ? "error" : level === 2 ? "warn" : "info"]({ board }, text));
  commands.onResult = (feature, status, seconds) => metrics.command(feature, status, seconds);

  const features = { flags, leases: state.leases, consoles };
  const stopPublisher = startPublisher(bay.bay, boards, hub, mqtt, features, find, options.measure_ms);
  answerOrphans(bay.bay, state.orphans, mqtt);
  const mqttUser = "broker" in options.mqtt ? options.mqtt.user : "operator";
  const served = serveCommands(bay.bay, commands, mqtt, state.clock, mqttUser === "" ? undefined : mqttUser);
  metrics.control(await served, mqtt);
  const checkpoints = new Checkpoints(state.database.file);
  state.database.onWrite = () => checkpoints.wrote();
  stateMetrics(metrics, state, checkpoints, () => broker?.cut() ?? 0);
  const agents = await followAgents(bay.bay, mqtt);
  for (const board of boards) board.start();

  let stopping: Promise<void> | undefined;
  await faces.app.ready();
  let httpPort: number;
  let grpc: string;
  try {
    httpPort = await listen(faces.app.server, options.http.host, options.http.port, options.http.named);
    grpc = await faces.grpc(options.grpc ?? { host: "127.0.0.1", port: 0, named: true });
    if (options.compatPdudaemon !== undefined) await faces.pdudaemon(options.compatPdudaemon);
  } catch (error) {
    await stop();
    throw error;
  }

  function stop(): Promise<void> {
    stopping ??= (async () => {
      stopPublisher();
      await Promise.all([...consoles.values()].map((one) => one.stop()));
      // Before the connections go: leases that are bound to them live on.
      state.leases.stop();
      state.unfinished.stop();
      await faces.close();
      // The others finish by themselves.
      await Promise.all(boards.filter((board) => board.command_ms > 0).map((board) => commands.ended(board)));
      for (const board of boards) await board.stop();
      await mqtt.close({ topic: topics(bay.bay).supervisor, payload: "stopped" });
      await broker?.close();
      await checkpoints.stop();
      state.close();
    })();
    return stopping;
  }

  return {
    http: `${options.tls === undefined ? "http" : "https"}://${options.http.host.includes(":") ? `[${options.http.host}]` : options.http.host}:${httpPort}`,
    grpc,
    mqtt: url,
    tokenFile: token.path,
    mqttUser,
    mqttPasswordFile: operator.path,
    agentCredentials: { mqtt: broker?.local ?? url, user: "agent", passwordFile: agent.path },
    targets: commands.targets().map((channel) => channel.name),
    agents,
    async ready(timeout_ms = READY_MS) {
      const started = Date.now();
      const known = (board: Board): boolean =>
        board.link.lifecycle === "ready" &&
        board.channels.every((channel) => channel === undefined || !["unknown", "changing"].includes(channel.power));
      while (!boards.every(known)) {
        if (Date.now() - started > timeout_ms) {
          const late = boards
            .filter((board) => !known(board))
            .map((board) => `${board.name} (${board.link.lifecycle})`);
          throw new Error(`not ready after ${timeout_ms / 1000} s: ${late.join(", ")}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
    async reload(next) {
      const t = topics(bay.bay);
      const retained = {
        target: (name: string) =>
          ["power", "measure", "fault", "lease", "health", "flags", "boot", "calibration"].map((state) =>
            t.target(name, `state/${state}`),
          ),
        board: (name: string) => [t.board(name)],
        rack: (name: string) => [t.rack(name, "state/panel")],
      };
      const clear = (kind: keyof typeof retained, name: string): void => {
        for (const topic of retained[kind](name)) mqtt.publish(topic, "", { retain: true, qos: 1 });
      };
      const leaseOf = (target: string) => state.leases.of(target);
      const parts = { bay, boards, consoles, commands, hub, makeBoard, makeConsole, leaseOf, clear };
      const note = (more: { args?: object; status: string; code?: string; message?: string }): void =>
        state.audit.write(policyCaller("bay file"), { action: "reload", ...more });
      const result = await reloadBay(parts, next).catch((error: BayError) => {
        note({ status: "refused", code: error.code ?? "internal", message: error.message });
        throw error;
      });
      const { added, changed, removed } = result;
      note({ args: { added, changed, removed }, status: "done" });
      state.leases.reloaded((target) => commands.lookup(target) !== undefined);
      return result;
    },
    async note(rack, text) {
      const result = await commands.run(policyCaller("a run from the panel"), "rack", rack, "panel", { note: text });
      if (result.status !== "done") throw new Error(result.message);
    },
    async makeSafe() {
      state.unfinished.giveUp();
      const results = await Promise.all(
        commands.targets().map(async (channel) => {
          if (channel.power === "off") return undefined;
          const result = await commands.run(policyCaller("stop of the bay"), "target", channel.name, "power", {
            state: "off",
          });
          return result.status === "done" ? undefined : channel.name;
        }),
      );
      return results.filter((name) => name !== undefined);
    },
    stop,
  };
}
