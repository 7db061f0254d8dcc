import { finished } from "node:stream/promises";
import { promisify } from "node:util";
import { deflate, gzip } from "node:zlib";
import type { ArtifactStore } from "@mltb/agent-kit";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { type Access, DRAIN_MS } from "../access.ts";
import { AgentError, type AgentErrorKind, isAgentError } from "../errors.ts";
import type { Repository } from "../repository.ts";
import type { Converter } from "./converter.ts";
import { deployFiles } from "./files.ts";
import { statisticsRow } from "./grpc-service.ts";
import { isBinary, unpack } from "./rest-body.ts";
import type { InferenceServer } from "./server.ts";
import { jsonWork, tensorWork } from "./work.ts";

const statuses: Record<AgentErrorKind, number> = {
  "not-found": 404,
  "invalid-argument": 400,
  unavailable: 503,
  aborted: 499,
  "not-supported": 501,
  unauthenticated: 401,
  "too-large": 413,
};
const HEADER = "inference-header-content-length";

interface ModelPath {
  Params: { model: string; version?: string };
}

function tooLarge(limit_bytes: number): string {
  return `the body is larger than ${limit_bytes} bytes`;
}

/** Every answer that is not a success is `{"error": TEXT}`: clients show that text. */
function errors(app: FastifyInstance, limit_bytes: number): void {
  app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    const status = isAgentError(error) ? statuses[error.kind] : (error.statusCode ?? 500);
    const large = status === 413 && !isAgentError(error);
    return reply.code(status).send({ error: large ? tooLarge(limit_bytes) : error.message });
  });
  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send({ error: `there is no ${request.method} ${request.url}` }),
  );
}

/** Refuses bodies that are announced as too large. They are read and thrown away first: a client that still sends would not see why. */
function limit(app: FastifyInstance, limit_bytes: number): void {
  app.addHook("onRequest", async ({ headers, raw }) => {
    if (!(Number(headers["content-length"]) > limit_bytes)) return;
    raw.resume();
    await finished(raw);
    throw new AgentError("too-large", tooLarge(limit_bytes));
  });
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

/** Where a listener listens, and for whom. */
interface Listening {
  host: string;
  port: number;
  access: Access;
  /** Largest body, packed and unpacked. */
  limit_bytes: number;
  /** Told of every request. */
  onCall(): void;
}

/** A listener with the house's rules; routes are added by `add`. */
async function listen(
  options: Listening,
  add: (app: FastifyInstance) => void,
): Promise<{ port: number; close(): Promise<void> }> {
  const { access, limit_bytes } = options;
  const common = {
    bodyLimit: limit_bytes,
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
  app.addHook("onRequest", async () => options.onCall());
  errors(app, limit_bytes);
  guard(app, access);
  limit(app, limit_bytes);
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
async function send(request: FastifyRequest, reply: FastifyReply, body: Uint8Array): Promise<FastifyReply> {
  const encoding = request.headers["accept-encoding"];
  if (encoding !== "gzip" && encoding !== "deflate") return reply.send(body);
  const packed = await promisify<Uint8Array, Buffer>(encoding === "gzip" ? gzip : deflate)(body);
  return reply.header("content-encoding", encoding).send(packed);
}

/** Serves the REST form of the Open Inference Protocol; resolves with the bound port, rejects where it cannot be bound. */
export function serveRest(
  options: Listening & {
    server: InferenceServer;
    repository: Repository;
    artifacts: ArtifactStore;
    converter: Converter;
  },
): Promise<{ port: number; close(): Promise<void> }> {
  const { server, converter, limit_bytes } = options;

  const bodyOf = (request: FastifyRequest): Promise<Buffer> => {
    const body = (request.body as Buffer | undefined) ?? Buffer.alloc(0);
    return unpack(body, request.headers["content-encoding"], limit_bytes);
  };

  async function infer(request: FastifyRequest<ModelPath>, reply: FastifyReply): Promise<FastifyReply> {
    const { model, version = "" } = request.params;
    const abort = new AbortController();
    reply.raw.once("close", () => {
      if (!reply.raw.writableEnded) abort.abort();
    });
    const body = await bodyOf(request);
    const length = request.headers[HEADER] as string | undefined;
    // Raw tensors behind the JSON are taken as views: only the JSON is work.
    const text = length === undefined ? body.length : Math.min(Number(length) || 0, body.length);
    const work = jsonWork(body.subarray(0, text));
    const rest = await converter.do("restRequest", work, body, length, model, version);
    const answer = await server.infer(rest.request, abort.signal);
    const values = answer.outputs.filter(({ name }) => !isBinary(rest, name));
    const size = tensorWork(values.map(({ tensor }) => tensor));
    const about = { ...rest, request: { ...rest.request, inputs: [] } };
    const { json, raw } = await converter.do("restAnswer", size, about, answer);
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
      const body = await bodyOf(request);
      const { readyOnly } = await converter.do("indexRequest", jsonWork(body), body);
      return server.index(readyOnly);
    });
    app.post<ModelPath>("/v2/repository/models/:model/load", async (request, reply) => {
      const body = await bodyOf(request);
      const { files, config } = await converter.do("loadRequest", jsonWork(body), body);
      await deployFiles(request.params.model, files, config, options.repository, options.artifacts);
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
export function serveMetrics(
  options: Listening & { contentType: string; text(): Promise<string> },
): Promise<{ port: number; close(): Promise<void> }> {
  return listen(options, (app) => {
    app.get("/*", async (_request, reply) => reply.type(options.contentType).send(await options.text()));
  });
}
