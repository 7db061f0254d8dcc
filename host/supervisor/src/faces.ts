import { join } from "node:path";
import { asyncapi, features, openapi } from "@mltb/contract";
import type { Tokens } from "./auth/tokens.ts";
import { Dispatcher } from "./calls/dispatch.ts";
import { createHandlers } from "./calls/handlers.ts";
import type { Commands } from "./commands.ts";
import { servePdudaemon } from "./compat/pdudaemon-server.ts";
import { Sessions } from "./compat/redfish.ts";
import { compatRoutes } from "./compat/routes.ts";
import type { Board } from "./device/board.ts";
import { Recordings } from "./energy/recordings.ts";
import type { BayHub } from "./events.ts";
import type { TargetConsole } from "./features/console.ts";
import { EventLog } from "./features/event-log.ts";
import { startGrpc } from "./grpc/server.ts";
import { type App, createApp } from "./http/app.ts";
import { bindCalls, route } from "./http/bind.ts";
import { consoleRoutes } from "./http/console-routes.ts";
import { leaseRoutes } from "./http/lease-routes.ts";
import { liveRoutes } from "./http/live-routes.ts";
import { Streams } from "./http/streams.ts";
import { traceRoutes } from "./http/trace-routes.ts";
import type { Metrics } from "./metrics/registry.ts";
import type { Listener, Logger, SupervisorOptions } from "./options.ts";
import type { BayStateStore } from "./state.ts";

/** Streams that are read at one time: events, samples, consoles. */
const SUBSCRIBERS = 256;

/** What the HTTP and gRPC faces of a bay stand on. */
export interface FaceParts {
  options: SupervisorOptions;
  version: string;
  boards: Board[];
  commands: Commands;
  hub: BayHub;
  state: BayStateStore;
  tokens: Tokens;
  metrics: Metrics;
  consoles: Map<string, TargetConsole>;
  log: Logger;
}

export interface Faces {
  app: App;
  dispatcher: Dispatcher;
  /** Starts the gRPC server; resolves with HOST:PORT. */
  grpc(listener: Listener): Promise<string>;
  /** Serves pdudaemon's verbs without login. */
  pdudaemon(listener: Listener): Promise<void>;
  close(): Promise<void>;
}

/** Serves the features of the contract over HTTP, and over gRPC where asked. */
export async function createFaces(parts: FaceParts): Promise<Faces> {
  const { options, boards, commands, hub, state, tokens, metrics, log } = parts;
  const events = new EventLog(hub);
  const recordings = new Recordings(hub, state.cuts, join(options.stateDir, "recordings"), (error) =>
    log.error(error.message),
  );
  metrics.counter(
    "mltb_recording_drops_total",
    "What found no room: recordings, their files, files that could not be written, voltages and marker edges of recordings that went on for too long.",
    ["what"],
    () => Object.entries(recordings.counters).map(([what, value]) => [{ what }, value]),
  );
  const onError = (error: Error): void => log.error({ err: error }, "a request failed");
  const sessions = new Sessions();
  const app = await createApp({
    tokens,
    hosts: options.allowHosts ?? [],
    tls: options.tls,
    rates: options.rates,
    sessionToken: (key) => sessions.tokenOf(key),
    onError,
  });
  const handlers = createHandlers({
    boards,
    commands,
    recordings,
    leases: state.leases,
    audit: state.audit,
    events,
    restore: (caller) => state.restore(caller),
    configurations: options.configurations,
    openapi: openapi(options.bay.bay, parts.version),
    asyncapi: asyncapi(options.bay.bay, parts.version),
  });
  const dispatcher = new Dispatcher(commands, handlers);
  bindCalls(app, dispatcher);
  const streams = new Streams(SUBSCRIBERS);
  liveRoutes(app, { commands, hub, cuts: state.cuts, events, recordings, streams });
  consoleRoutes(app, commands, parts.consoles, hub, state.cuts, streams);
  traceRoutes(app, boards);
  leaseRoutes(app, state.leases, commands);
  route(app, features.bay.calls.metrics, async (_input, _request, reply) =>
    reply.header("content-type", metrics.contentType).send(await metrics.text()),
  );
  if (options.compat === true) await compatRoutes(app, { commands, tokens, sessions });
  let closePdudaemon: (() => Promise<void>) | undefined;
  let server: Awaited<ReturnType<typeof startGrpc>> | undefined;
  return {
    app,
    dispatcher,
    async grpc(listener) {
      server = await startGrpc({ ...listener, tls: options.tls, rates: options.rates, tokens, dispatcher, onError });
      return `${listener.host.includes(":") ? `[${listener.host}]` : listener.host}:${server.port}`;
    },
    async pdudaemon(listener) {
      closePdudaemon = await servePdudaemon(listener, commands);
    },
    async close() {
      app.server.closeAllConnections();
      await app.close();
      await server?.close();
      await closePdudaemon?.();
    },
  };
}
