import { promisify } from "node:util";
import { deflate, gzip } from "node:zlib";
import type { ArtifactStore } from "@mltb/agent-kit";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { type Access, DRAIN_MS } from "../access.ts";
import { AgentError, type AgentErrorKind, isAgentError } from "../errors.ts";
import type { Repository } from "../repository.ts";
import { deployFiles } from "./files.ts";
import { statisticsRow } from "./grpc-service.ts";
import { BODY_BYTES, parseJson, restAnswer, restRequest, unpack } from "./rest-body.ts";
import type { InferenceServer } from "./server.ts";

const statuses: Record<AgentErrorKind, number> = {
  "not-found": 404,
  "invalid-argument": 400,
  unavailable: 503,
  aborted: 499,
  "not-supported": 501,
  unauthenticated: 401,
};
const HEADER = "inference-header-content-length";

interface ModelPath {
  Params: { model: string; version?: string };
}

/** Every answer that is not a success is `{"error": TEXT}`: clients show that text. */
function errors(app: FastifyInstance): void {
  app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    const status = isAgentError(error) ? statuses[error.kind] : (error.statusCode ?? 500);
    return reply.code(status).send({ error: error.message });
  });
  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send({ error: `there is no ${request.method} ${request.url}` }),
  );
}

/** Refuses strangers: names that a foreign page could point here, and callers without the token. */
function guard(app: FastifyInstance, access: Access): void {
  app.addHook("onRequest", async (request) => {
    if (!access.admits(request.headers.authorization))
      throw new AgentError("unauthenticated", "a bearer token is needed");
    if (!access.admitsHost(request.headers.host))
      throw new AgentError("invalid-argument", `Host ${request.headers.host} does not name this server`);
  });
}

/** A listener with the house's rules; routes are added by `add`. */
async function listen(
  options: { host: string; port: number; access: Access },
  add: (app: FastifyInstance) => void,
): Promise<{ port: number; close(): Promise<void> }> {
  const { access } = options;
  const common = {
    bodyLimit: BODY_BYTES,
    forceCloseConnections: "idle" as const,
    routerOptions: { maxParamLength: 256 },
  };
  const app: FastifyInstance =
    access.tls === undefined
      ? fastify(common)
      : (fastify({ ...common, https: { cert: access.tls.cert, key: access.tls.key } }) as unknown as FastifyInstance);
  // Clients of the protocol send no content type at all: a body is bytes, whatever it says.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  errors(app);
  guard(app, access);
  add(app);
  await app.listen({ host: options.host, port: options.port });
  const address = app.server.address();
  const port = typeof address === "object" && address !== null ? address.port : options.port;
  return {
    port,
    async close() {
      const timer = setTimeout(() => app.server.closeAllConnections(), DRAIN_MS);
      await app.close();
      clearTimeout(timer);
    },
  };
}

/** Packs only for exactly `gzip` or `deflate`: clients that always accept both would wait for a packer that they did not ask for. */
async function send(request: FastifyRequest, reply: FastifyReply, body: Buffer): Promise<FastifyReply> {
  const encoding = request.headers["accept-encoding"];
  if (encoding !== "gzip" && encoding !== "deflate") return reply.send(body);
  const packed = await promisify<Buffer, Buffer>(encoding === "gzip" ? gzip : deflate)(body);
  return reply.header("content-encoding", encoding).send(packed);
}

/** Serves the REST form of the Open Inference Protocol; resolves with the bound port, rejects where it cannot be bound. */
export function serveRest(options: {
  host: string;
  port: number;
  access: Access;
  server: InferenceServer;
  repository: Repository;
  artifacts: ArtifactStore;
}): Promise<{ port: number; close(): Promise<void> }> {
  const { server } = options;

  async function infer(request: FastifyRequest<ModelPath>, reply: FastifyReply): Promise<FastifyReply> {
    const { model, version = "" } = request.params;
    const body = await unpack(
      (request.body as Buffer | undefined) ?? Buffer.alloc(0),
      request.headers["content-encoding"],
    );
    const rest = restRequest(body, request.headers[HEADER] as string | undefined, model, version);
    const abort = new AbortController();
    reply.raw.once("close", () => {
      if (!reply.raw.writableEnded) abort.abort();
    });
    const { json, raw } = restAnswer(rest, model, await server.infer(rest.request, abort.signal));
    if (raw.length === 0) return send(request, reply.type("application/json"), json);
    reply.type("application/octet-stream").header(HEADER, json.length);
    return send(request, reply, Buffer.concat([json, ...raw]));
  }

  const refused = (what: string) => async (): Promise<never> => {
    throw new AgentError("not-supported", `${what} is not supported by this server`);
  };

  return listen(options, (app) => {
    app.get("/v2/health/live", async () => ({ live: true }));
    app.get("/v2/health/ready", async () => ({ ready: true }));
    app.get("/v2", async () => server.metadata());
    app.get("/v2/models/stats", async () => ({ model_stats: server.statistics("", "").map(statisticsRow) }));
    for (const base of ["/v2/models/:model", "/v2/models/:model/versions/:version"]) {
      app.get<ModelPath>(base, ({ params }) => server.modelMetadata(params.model, params.version ?? ""));
      app.get<ModelPath>(`${base}/ready`, async ({ params }, reply) => {
        const ready = server.modelReady(params.model, params.version ?? "");
        return ready ? { name: params.model, ready } : reply.code(400).send({ error: "Model version not ready" });
      });
      app.get<ModelPath>(`${base}/config`, ({ params }) => server.modelConfig(params.model, params.version ?? ""));
      app.get<ModelPath>(`${base}/stats`, async ({ params }) => ({
        model_stats: server.statistics(params.model, params.version ?? "").map(statisticsRow),
      }));
      app.post<ModelPath>(`${base}/infer`, infer);
    }
    app.post("/v2/repository/index", async (request) => {
      const { ready } = parseJson((request.body as Buffer | undefined) ?? Buffer.alloc(0)) as { ready?: boolean };
      return server.index(ready === true);
    });
    app.post<ModelPath>("/v2/repository/models/:model/load", async (request, reply) => {
      const given = parseJson((request.body as Buffer | undefined) ?? Buffer.alloc(0)) as {
        parameters?: Record<string, unknown>;
      };
      const parameters = given.parameters ?? {};
      const files = new Map<string, Uint8Array>();
      for (const [name, value] of Object.entries(parameters))
        if (name.startsWith("file:")) files.set(name, Buffer.from(String(value), "base64"));
      await deployFiles(request.params.model, files, parameters["config"], options.repository, options.artifacts);
      return reply.send();
    });
    app.post<ModelPath>("/v2/repository/models/:model/unload", async (request, reply) => {
      server.unload(request.params.model);
      return reply.send();
    });
    for (const path of ["systemsharedmemory", "cudasharedmemory"])
      app.route({ method: ["GET", "POST"], url: `/v2/${path}/*`, handler: refused("shared memory") });
    for (const path of ["/v2/trace/setting", "/v2/models/:model/trace/setting"])
      app.route({ method: ["GET", "POST"], url: path, handler: refused("tracing") });
    app.route({ method: ["GET", "POST"], url: "/v2/logging", handler: refused("changing the log settings") });
  });
}

/** Serves the metrics as text under `/metrics`, and under any other path, since scrapers add theirs. */
export function serveMetrics(options: {
  host: string;
  port: number;
  access: Access;
  contentType: string;
  text(): Promise<string>;
}): Promise<{ port: number; close(): Promise<void> }> {
  return listen(options, (app) => {
    app.get("/*", async (_request, reply) => reply.type(options.contentType).send(await options.text()));
  });
}
