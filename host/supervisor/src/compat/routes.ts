import { BayError, type TargetView, wireCode } from "@mltb/contract";
import type { Tokens } from "../auth/tokens.ts";
import type { Commands } from "../commands.ts";
import type { App, Reply, Request } from "../http/app.ts";
import { sendResult } from "../http/bind.ts";
import { callerOf } from "../http/caller.ts";
import { runVerb, statusOf, targetOf } from "./pdudaemon.ts";
import { provedOff } from "./proved-off.ts";
import { redfishError, resetTypes, type Sessions, serviceRoot, systemOf, systemsOf } from "./redfish.ts";

const BODY_BYTES = 4096;

type Params = Record<string, string>;
const paramsOf = (request: Request): Params => request.params as Params;

/** Drop-in faces for the clients of other board farms: pdudaemon's verbs, labgrid's `rest` back end, Redfish. */
export async function compatRoutes(
  app: App,
  options: { commands: Commands; tokens: Tokens; sessions: Sessions },
): Promise<void> {
  const { commands, tokens, sessions } = options;
  const reads = { config: { basic: true }, bodyLimit: BODY_BYTES };
  const writes = { config: { basic: true, role: "operator" as const }, bodyLimit: BODY_BYTES };

  await app.register(async (scope) => {
    // labgrid sends one byte and no content type; Redfish clients name none where there is no body.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", { parseAs: "string", bodyLimit: BODY_BYTES }, (_request, body, done) =>
      done(null, body),
    );

    scope.get("/power/control/:verb", writes, async (request, reply) => {
      const { status, text } = await runVerb(
        commands,
        paramsOf(request)["verb"] ?? "",
        request.query,
        callerOf(request),
      );
      return reply.status(status).type("text/plain").send(text);
    });

    const labgridTarget = (params: Params): string =>
      params["target"] ?? targetOf(commands, params["rack"] ?? "", params["channel"] ?? "");
    for (const path of ["/compat/labgrid/:target/power", "/compat/labgrid/:rack/:channel/power"]) {
      scope.get(path, reads, async (request, reply) => {
        const digit = digitOf(commands.find(labgridTarget(paramsOf(request))).channel.view());
        return reply.type("text/plain").send(digit);
      });
      scope.put(path, writes, async (request, reply) => {
        const asked = String(request.body ?? "").trim();
        if (asked !== "0" && asked !== "1") throw new BayError("malformed", "the body is 0 or 1");
        const args = { state: asked === "1" ? "on" : "off" };
        const target = labgridTarget(paramsOf(request));
        const result = await commands.run(callerOf(request), "target", target, "power", args);
        if (result.status !== "done") return sendResult(reply, result);
        return reply.type("text/plain").send(digitOf(result.state as TargetView));
      });
    }

    const open = { config: { open: true }, bodyLimit: BODY_BYTES };
    scope.get("/redfish", open, async () => ({ v1: "/redfish/v1/" }));
    for (const path of ["/redfish/v1", "/redfish/v1/"]) scope.get(path, open, async () => serviceRoot);
    scope.get("/redfish/v1/SessionService", reads, async () => ({
      "@odata.id": "/redfish/v1/SessionService",
      "@odata.type": "#SessionService.v1_1_6.SessionService",
      Id: "SessionService",
      Name: "Sessions",
      ServiceEnabled: true,
      Sessions: { "@odata.id": "/redfish/v1/SessionService/Sessions" },
    }));
    scope.post("/redfish/v1/SessionService/Sessions", open, async (request, reply) => {
      const session = sessions.login(tokens, String(jsonOf(request)["Password"] ?? ""));
      if (session === undefined)
        return reply.status(401).send(redfishError("NoValidSession", "wrong password (a token is wanted)"));
      const self = `/redfish/v1/SessionService/Sessions/${session.id}`;
      reply.header("x-auth-token", session.key).header("location", self);
      return reply.status(201).send({ "@odata.id": self, Id: session.id, Name: "Session" });
    });
    scope.delete(
      "/redfish/v1/SessionService/Sessions/:id",
      { config: { basic: true, role: "viewer" } },
      async (request, reply) => {
        const { user, role } = callerOf(request);
        return sessions.logout(paramsOf(request)["id"] ?? "", role === "admin" ? undefined : user)
          ? reply.status(204).send()
          : reply.status(404).send(redfishError("ResourceNotFound", "you have no such session"));
      },
    );
    scope.get("/redfish/v1/Systems", reads, async () => systemsOf(commands.targets().map(({ name }) => name)));
    scope.get("/redfish/v1/Systems/:target", reads, async (request, reply) =>
      redfish(reply, async () => systemOf(commands.find(paramsOf(request)["target"] ?? "").channel.view())),
    );
    scope.post("/redfish/v1/Systems/:target/Actions/ComputerSystem.Reset", writes, async (request, reply) =>
      redfish(reply, async () => {
        const type = String(jsonOf(request)["ResetType"] ?? "");
        const wanted = Object.hasOwn(resetTypes, type) ? resetTypes[type] : undefined;
        if (wanted === undefined) {
          const text = `ResetType is one of ${Object.keys(resetTypes).join(", ")}`;
          return reply.status(400).send(redfishError("ActionParameterNotSupported", text));
        }
        const target = paramsOf(request)["target"] ?? "";
        const result = await commands.run(callerOf(request), "target", target, wanted.feature, wanted.args);
        if (result.status === "done") return reply.status(204).send();
        return reply
          .status(statusOf(result))
          .send(redfishError("GeneralError", `${wireCode(result.code)}: ${result.message}`));
      }),
    );
  });
}

/** Exactly `0` or `1`, as labgrid wants it. A state that the board has not proved is an error: labgrid reads any other text as off. */
function digitOf(target: TargetView): string {
  const off = provedOff(target);
  if (off !== undefined) return off ? "0" : "1";
  const { name, power, fault } = target;
  if (power === "fault")
    throw new BayError("board_failed", `the power of ${name} is not known: ${fault?.id ?? "fault"}`);
  throw new BayError(power === "changing" ? "busy" : "board_lost", `the power of ${name} is ${power}`);
}

function jsonOf(request: Request): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(String(request.body ?? ""));
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch {
    // Told below, like any other document that is no object.
  }
  throw new BayError("malformed", "the body is a JSON object");
}

/** Refusals as Redfish documents. */
async function redfish(reply: Reply, body: () => Promise<unknown>): Promise<unknown> {
  try {
    return await body();
  } catch (error) {
    if (!(error instanceof BayError)) throw error;
    const missing = error.code === "unknown_target";
    return reply
      .status(missing ? 404 : 400)
      .send(redfishError(missing ? "ResourceNotFound" : "MalformedJSON", error.message));
  }
}
