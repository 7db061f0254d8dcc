import { httpStatus, locateArgs, panelArgs, powerArgs, resetArgs, targetSchema, wireCode, z } from "@mltb/contract";
import type { CommandResult } from "../call.ts";
import type { Commands } from "../commands.ts";
import type { Board } from "../device/board.ts";
import { type App, problem, type Reply, type Request, sendProblem } from "./app.ts";
import { callerOf } from "./caller.ts";

const name = z.object({ target: z.string() });
const panelSchema = z.object({ page: z.string(), lines: z.array(z.string()) });

/** Routes that read and command targets and panels, INTERFACES section 4. */
export function targetRoutes(app: App, boards: Board[], commands: Commands): void {
  function reply(result: CommandResult, response: Reply): unknown {
    if (result.status === "done") return result.state;
    const status = result.status === "refused" || result.status === "failed" ? httpStatus[result.code] : 503;
    return sendProblem(response, {
      ...problem(status, wireCode(result.code), result.message, result.suggestion),
      ...(result.state === undefined ? {} : { target: result.state }),
    });
  }

  function command(
    kind: "target" | "rack",
    of: string,
    feature: string,
    args: unknown,
    request: Request,
    response: Reply,
  ): Promise<unknown> {
    return commands.run(callerOf(request), kind, of, feature, args).then((result) => reply(result, response));
  }

  app.get("/api/v1/health", {
    schema: {
      response: {
        200: z.object({
          state: z.enum(["ok", "degraded"]),
          boards: z.array(z.object({ name: z.string(), lifecycle: z.string() })),
        }),
      },
    },
    handler: async () => ({
      state: boards.every((board) => board.link.lifecycle === "ready") ? ("ok" as const) : ("degraded" as const),
      boards: boards.map((board) => ({ name: board.name, lifecycle: board.link.lifecycle })),
    }),
  });

  app.get("/api/v1/targets", {
    schema: { response: { 200: z.array(targetSchema) } },
    handler: async () => commands.targets().map((channel) => channel.view()),
  });

  app.get("/api/v1/targets/:target", {
    schema: { params: name, response: { 200: targetSchema } },
    handler: async (request) => commands.find(request.params.target).channel.view(),
  });

  app.put("/api/v1/targets/:target/power", {
    schema: { params: name, body: powerArgs, querystring: z.object({ wait: z.enum(["true", "false"]).optional() }) },
    handler: async (request, response) => {
      const { target } = request.params;
      if (request.query.wait !== "false") return command("target", target, "power", request.body, request, response);
      const { channel } = commands.find(target);
      // The answer comes when the command is accepted; one that is not is refused as if it had been waited for.
      const early = await new Promise<CommandResult | undefined>((resolve) => {
        const accepted = (): void => resolve(undefined);
        void commands.run(callerOf(request), "target", target, "power", request.body, accepted).then(resolve);
      });
      return early === undefined ? response.status(202).send(channel.view()) : reply(early, response);
    },
  });

  app.post("/api/v1/targets/:target/reset", {
    schema: { params: name, body: resetArgs.partial().nullish() },
    handler: (request, response) => command("target", request.params.target, "reset", request.body, request, response),
  });

  app.post("/api/v1/targets/:target/locate", {
    schema: { params: name, body: locateArgs.partial().nullish() },
    handler: (request, response) => command("target", request.params.target, "locate", request.body, request, response),
  });

  app.post("/api/v1/targets/:target/faults/:fault/rearm", {
    schema: { params: z.object({ target: z.string(), fault: z.string() }) },
    handler: (request, response) =>
      command("target", request.params.target, "rearm", { fault: request.params.fault }, request, response),
  });

  app.get("/api/v1/racks/:rack/panel", {
    schema: { params: z.object({ rack: z.string() }), response: { 200: panelSchema } },
    handler: async (request) => commands.rack(request.params.rack).panel,
  });

  app.put("/api/v1/racks/:rack/panel", {
    schema: { params: z.object({ rack: z.string() }), body: panelArgs },
    handler: (request, response) => command("rack", request.params.rack, "panel", request.body, request, response),
  });
}
