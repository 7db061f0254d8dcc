import rateLimit from "@fastify/rate-limit";
import { BayError, type ErrorName, httpStatus, type Role, roles, wireCode } from "@mltb/contract";
import Fastify, { type FastifyBaseLogger, type FastifyReply, type FastifyRequest } from "fastify";
import type { Login, Tokens } from "../auth/tokens.ts";
import { OriginGuard } from "./guard.ts";
import { OpenRequests } from "./open-requests.ts";

export type Request = FastifyRequest;
export type Reply = FastifyReply;

declare module "fastify" {
  interface FastifyRequest {
    /** Who the token of the request belongs to. */
    who?: Login;
  }
  interface FastifyContextConfig {
    /** The least role that may use a route: `viewer` for GET, `operator` for the others where it is not given. */
    role?: Role;
    /** HTTP Basic (any user, the token as password) is taken beside the bearer token. */
    basic?: boolean;
    /** No login is needed. */
    open?: boolean;
  }
}

/** Requests per second of one login, and of one address without a valid one. */
export const RATES = { login: 5000, stranger: 100 };
/** A lease of 512 targets whose names are escaped throughout. */
const BODY_BYTES = 524_288;
const methods = new Set(["GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS", "PATCH"]);

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

/** The problem document of one of the bay's codes. */
export function problemOf(name: ErrorName, detail: string, suggestion?: string): Record<string, unknown> {
  return problem(httpStatus[name], wireCode(name), detail, suggestion);
}

export function sendProblem(reply: Reply, document: Record<string, unknown>): Reply {
  return reply
    .status(document["status"] as number)
    .header("content-type", "application/problem+json")
    .serializer((value: unknown) => JSON.stringify(value))
    .send(document);
}

/** The token of a request: `Bearer`, or the password of `Basic` where the route takes that. */
function tokenOf(request: Request, sessionToken: (key: string) => string): string {
  const session = request.headers["x-auth-token"];
  if (typeof session === "string" && request.routeOptions.config.basic === true) return sessionToken(session);
  const [scheme = "", value = ""] = (request.headers.authorization ?? "").split(" ");
  if (/^bearer$/i.test(scheme)) return value;
  if (!/^basic$/i.test(scheme) || request.routeOptions.config.basic !== true) return "";
  const text = Buffer.from(value, "base64").toString("utf8");
  return text.slice(text.indexOf(":") + 1);
}

export interface AppOptions {
  tokens: Tokens;
  /** Further names under which the bay is reached. */
  hosts: string[];
  /** The token behind a Redfish session. */
  sessionToken?: (key: string) => string;
  tls?: { cert: Buffer; key: Buffer };
  rates?: typeof RATES;
  /** Told of errors that nobody expected. */
  onError(error: Error): void;
}

/** The HTTP server with logins, roles, rates and problem documents on every route. */
export async function createApp(options: AppOptions) {
  const app = Fastify({
    logger: false as never as FastifyBaseLogger,
    forceCloseConnections: true,
    bodyLimit: BODY_BYTES,
    // A HEAD is answered where it is described, not beside every GET.
    exposeHeadRoutes: false,
    // Over-long names are refused by the contract, like any other malformed argument.
    routerOptions: { maxParamLength: 8192 },
    ...(options.tls === undefined ? {} : { https: { ...options.tls, minVersion: "TLSv1.2" as const } }),
  } as { logger: FastifyBaseLogger });
  const rates = options.rates ?? RATES;
  const guard = new OriginGuard(options.hosts);
  const open = new OpenRequests(options.tokens);
  app.addHook("onClose", async () => open.stop());
  app.addHook("onRequest", async (request, reply) => {
    reply.header("x-content-type-options", "nosniff").header("cache-control", "no-store");
    const { host, origin, "sec-fetch-site": site } = request.headers;
    // A link of another page may be followed where nothing is done without a token. A password that a browser was given
    // once goes with every request, whichever page has caused it.
    const asked = request.routeOptions.config.basic === true && site !== undefined ? String(site) : undefined;
    const fault = guard.fault({ host, origin, "sec-fetch-site": asked });
    if (fault !== undefined) {
      const mend = "address the bay by its IP address or as localhost, or name the host with --allow-host";
      sendProblem(reply, problemOf("foreign_host", fault, mend));
      return reply;
    }
    // Fastify would first ask a method that it does not route for its body.
    if (!methods.has(request.method)) {
      sendProblem(reply, wrongRoute(request, reply));
      return reply;
    }
    const token = tokenOf(request, options.sessionToken ?? (() => ""));
    const login = options.tokens.login(token);
    if (login !== undefined) {
      request.who = login;
      open.add(token, reply.raw);
    }
    return undefined;
  });
  await app.register(rateLimit, {
    global: true,
    timeWindow: 1000,
    keyGenerator: (request) => (request.who === undefined ? `ip ${request.ip}` : `login ${request.who.user}`),
    max: (request) => (request.who === undefined ? rates.stranger : rates.login),
  });
  // After the limit, before the body is read.
  app.addHook("preParsing", async (request, reply) => {
    const config = request.routeOptions.config;
    if (config.open === true) return;
    if (request.who === undefined) {
      reply.header("www-authenticate", config.basic === true ? 'Basic realm="mltb"' : "Bearer");
      const text =
        request.headers.authorization === undefined
          ? "a token is needed; that of the bay is in its token file"
          : "this token is not known, or was revoked";
      sendProblem(reply, problemOf("unauthorized", text, "see `mltb token add`"));
      return;
    }
    const least = config.role ?? (request.method === "GET" ? "viewer" : "operator");
    if (roles.indexOf(request.who.role) < roles.indexOf(least)) {
      sendProblem(reply, problemOf("forbidden", `${request.who.user} is ${request.who.role}; this takes ${least}`));
    }
  });
  app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    if (error instanceof BayError) return sendProblem(reply, problemOf(error.code, error.message, error.suggestion));
    const name = nameOf(error.statusCode ?? 500);
    if (name !== "internal") return sendProblem(reply, problemOf(name, error.message));
    options.onError(error);
    return sendProblem(reply, problemOf(name, "this should not happen; the bay's log has more"));
  });
  app.setNotFoundHandler({ preHandler: app.rateLimit() }, (request, reply) =>
    sendProblem(reply, wrongRoute(request, reply)),
  );

  /** Why there is no route for a request: its path is unknown, or its method is not one of the path's. */
  function wrongRoute(request: Request, reply: Reply): Record<string, unknown> {
    const allowed = methodsOf(request.url);
    if (allowed.length === 0) {
      const text = `${request.method} ${request.url.slice(0, 200)} does not exist`;
      return problemOf("no_such_route", text, "see /openapi.json");
    }
    reply.header("allow", allowed.join(", "));
    return problemOf("wrong_method", `${request.method} is not for this; ${allowed.join(", ")} is`);
  }

  /** Methods that a path takes. */
  function methodsOf(url: string): string[] {
    const path = url.split("?")[0] as string;
    const found = routes.filter(({ pattern }) => pattern.test(path));
    // A path of fixed words comes before one with a name in their place.
    const names = Math.min(...found.map((entry) => entry.names));
    return found.filter((entry) => entry.names === names).map(({ method }) => method);
  }
  const routes: { method: string; pattern: RegExp; names: number }[] = [];
  app.addHook("onRoute", ({ method, url }) => {
    const pattern = new RegExp(`^${url.replaceAll(".", "\\.").replace(/:[a-z_]+/g, "[^/]+")}$`);
    for (const one of [method].flat()) routes.push({ method: one, pattern, names: url.split(":").length });
  });
  return app;
}

/** The code of an error that the HTTP server itself found, by its status. */
function nameOf(status: number): ErrorName {
  if (status === 429) return "rate_limited";
  if (status === 413) return "too_large";
  if (status === 415) return "wrong_media_type";
  return status >= 400 && status < 500 ? "malformed" : "internal";
}

export type App = Awaited<ReturnType<typeof createApp>>;
