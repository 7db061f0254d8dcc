import { timingSafeEqual } from "node:crypto";
import swagger from "@fastify/swagger";
import { BayError, httpStatus, wireCode } from "@mltb/contract";
import Fastify, { type FastifyBaseLogger, type FastifyReply, type FastifyRequest } from "fastify";
import {
  createJsonSchemaTransform,
  hasZodFastifySchemaValidationErrors,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from "fastify-type-provider-zod";

export type Request = FastifyRequest;
export type Reply = FastifyReply;

function sameToken(given: string, token: string): boolean {
  const a = Buffer.from(given);
  const b = Buffer.from(token);
  return a.length === b.length && timingSafeEqual(a, b);
}

/** An RFC 9457 problem document. */
export function problem(status: number, code: string, detail: string, suggestion?: string): Record<string, unknown> {
  return {
    type: `urn:mltb:problem:${code}`,
    title: code.replaceAll("-", " "),
    status,
    code,
    detail,
    ...(suggestion === undefined ? {} : { suggestion }),
  };
}

export function sendProblem(reply: Reply, document: Record<string, unknown>): Reply {
  return reply
    .status(document["status"] as number)
    .header("content-type", "application/problem+json")
    .serializer((value: unknown) => JSON.stringify(value))
    .send(document);
}

/** The HTTP server with validation, OpenAPI 3.1, problem documents and the bearer token on every route. */
export async function createApp(options: { bay: string; token: string; version: string }) {
  const app = Fastify({ logger: false as never as FastifyBaseLogger, forceCloseConnections: true, bodyLimit: 65_536 });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: { title: `MLTB bay ${options.bay}`, version: options.version },
      components: { securitySchemes: { token: { type: "http", scheme: "bearer" } } },
      security: [{ token: [] }],
    },
    transform: createJsonSchemaTransform({ skipList: [] }),
  });
  app.addHook("onRequest", async (request, reply) => {
    const header = request.headers.authorization ?? "";
    const given = header.startsWith("Bearer ") ? header.slice(7) : "";
    if (sameToken(given, options.token)) return;
    reply.header("www-authenticate", "Bearer");
    sendProblem(reply, problem(401, "unauthorized", "a bearer token is needed; it is in the bay's token file"));
    return reply;
  });
  app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    if (error instanceof BayError) {
      return sendProblem(reply, problem(httpStatus[error.code], wireCode(error.code), error.message, error.suggestion));
    }
    if (hasZodFastifySchemaValidationErrors(error)) {
      const text = error.validation.map((entry) => `${entry.instancePath || "body"}: ${entry.message}`).join("; ");
      return sendProblem(reply, problem(422, "malformed", text));
    }
    const status = error.statusCode ?? 500;
    const code = status === 400 || status === 415 ? "malformed" : status === 413 ? "too-large" : "internal";
    return sendProblem(reply, problem(status === 400 ? 422 : status, code, error.message));
  });
  app.setNotFoundHandler((request, reply) =>
    sendProblem(
      reply,
      problem(404, "no-such-route", `${request.method} ${request.url} does not exist; see /openapi.json`),
    ),
  );
  return app.withTypeProvider<ZodTypeProvider>();
}

export type App = Awaited<ReturnType<typeof createApp>>;
