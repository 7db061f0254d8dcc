import { type Call, calls, httpStatus, wireCode } from "@mltb/contract";
import type { CommandResult } from "../call.ts";
import { checkInput, type Dispatcher } from "../calls/dispatch.ts";
import { stepwise } from "../steps.ts";
import { type App, problem, type Reply, type Request, sendProblem } from "./app.ts";
import { callerOf } from "./caller.ts";
import { jsonSteps } from "./json-steps.ts";

/** More than the largest slot of a board. */
const BYTES_LIMIT = 512 * 1024;

/** The arguments of a request that its handler gets, flat; they were checked against the contract. */
// biome-ignore lint/suspicious/noExplicitAny: each handler knows the arguments that its call's schemas have let through.
export type Input = any;

/** A refusal or failure as a problem document; `target` shows the state where the command came so far. */
export function sendResult(response: Reply, result: Exclude<CommandResult, { status: "done" }>): Reply {
  const status = result.status === "unknown" ? 503 : httpStatus[result.code];
  return sendProblem(response, {
    ...problem(status, wireCode(result.code), result.message, result.suggestion),
    ...(result.state === undefined ? {} : { target: result.state }),
  });
}

/** Registers a call of the contract with a handler that gets its checked arguments. */
export function route(
  app: App,
  call: unknown,
  handler: (input: Input, request: Request, reply: Reply) => unknown,
): void {
  const known = call as Call;
  app.route({
    method: known.method,
    url: known.path.replace(/\{(\w+)\}/g, ":$1"),
    config: { role: known.role },
    ...(known.takes === "bytes" ? { bodyLimit: BYTES_LIMIT } : {}),
    handler: async (request, reply) => {
      const checked = checkInput(known, {
        params: request.params as Record<string, unknown>,
        query: request.query as Record<string, unknown>,
        body: request.body,
      });
      if ("status" in checked) return sendResult(reply, checked);
      if (known.takes === "bytes") checked.input["bytes"] = request.body;
      return handler(checked.input, request, reply);
    },
  });
}

/** Calls that need their HTTP connection: they have routes of their own (lease-routes.ts). */
const ownRoutes = new Set(["lease.acquire"]);
/** Calls whose answers may have tens of megabytes. */
const large = new Set(["recording.stop"]);
const never = new AbortController().signal;

/** Serves every call of the contract that the dispatcher runs. */
export function bindCalls(app: App, dispatcher: Dispatcher): void {
  app.addContentTypeParser(
    "application/octet-stream",
    { parseAs: "buffer", bodyLimit: BYTES_LIMIT },
    (_request, body, done) => done(null, body),
  );
  for (const { feature, name, call } of calls()) {
    const full = `${feature.name}.${name}`;
    if (ownRoutes.has(full) || !dispatcher.serves(full, call)) continue;
    route(app, call, async (input, request, reply) => {
      const asked = { input, caller: callerOf(request), signal: never };
      if (call.deferrable && input.wait === "false") return defer(full, call, asked, reply);
      const result = await dispatcher.run(full, call, asked);
      if (result.status !== "done") return sendResult(reply, result);
      if (call.status === 204) return reply.status(204).send();
      reply.status(call.status);
      if (!large.has(full)) return reply.send(result.state);
      return reply.type("application/json; charset=utf-8").send(await stepwise(jsonSteps(result.state)));
    });
  }

  /** Answers when the command is accepted, with the target as it is then. */
  async function defer(full: string, call: Call, asked: Parameters<Dispatcher["run"]>[2], reply: Reply) {
    const early = await new Promise<CommandResult | undefined>((resolve) => {
      void dispatcher.run(full, call, asked, () => resolve(undefined)).then(resolve);
    });
    if (early !== undefined && early.status !== "done") return sendResult(reply, early);
    const target = calls().find((entry) => entry.feature.name === "target" && entry.name === "get");
    const view = await dispatcher.run("target.get", target?.call as Call, asked);
    return reply.status(202).send(view.status === "done" ? view.state : {});
  }
}
