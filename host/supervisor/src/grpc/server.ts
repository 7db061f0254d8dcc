import grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import {
  BayError,
  type Call,
  calls,
  type ErrorName,
  httpStatus,
  protoAnswer,
  protoFile,
  requestFields,
  roles,
  wireCode,
  type z,
} from "@mltb/contract";
import type { Login, Tokens } from "../auth/tokens.ts";
import { type Bad, type Caller, callerId, refused } from "../call.ts";
import { checkInput, type Dispatcher } from "../calls/dispatch.ts";
import { RATES } from "../http/app.ts";
import { CallLimits } from "./limit.ts";

/** Requests are flat and small. */
const MESSAGE_BYTES = 65_536;

/** gRPC status of the HTTP status of a refusal. */
const statuses: Record<number, grpc.status> = {
  401: grpc.status.UNAUTHENTICATED,
  403: grpc.status.PERMISSION_DENIED,
  404: grpc.status.NOT_FOUND,
  409: grpc.status.FAILED_PRECONDITION,
  422: grpc.status.INVALID_ARGUMENT,
  429: grpc.status.RESOURCE_EXHAUSTED,
  502: grpc.status.UNAVAILABLE,
  503: grpc.status.UNAVAILABLE,
  504: grpc.status.DEADLINE_EXCEEDED,
};

/** A refusal as a gRPC error: the stable code in the metadata `mltb-code`, the mend in `mltb-suggestion`. */
function errorOf(bad: {
  code: ErrorName;
  message: string;
  suggestion?: string;
  status?: string;
}): Partial<grpc.StatusObject> {
  const metadata = new grpc.Metadata();
  metadata.set("mltb-code", wireCode(bad.code));
  if (bad.suggestion !== undefined) metadata.set("mltb-suggestion", ascii(bad.suggestion));
  const code = bad.status === "unknown" ? grpc.status.UNKNOWN : statuses[httpStatus[bad.code]];
  return { code: code ?? grpc.status.INTERNAL, details: bad.message, metadata };
}

/** Metadata values are printable ASCII. */
const ascii = (text: string): string => text.replace(/[^\x20-\x7e]/g, "?");

interface GrpcOptions {
  host: string;
  port: number;
  /** The port was asked for by name, so that it must be free. */
  named: boolean;
  tls?: { cert: Buffer; key: Buffer };
  tokens: Tokens;
  rates?: typeof RATES;
  dispatcher: Dispatcher;
  /** Told of errors that nobody expected. */
  onError(error: Error): void;
}

/** Serves `mltb.board.v1`: the calls of the contract that have a method there, with the same tokens and roles. */
export async function startGrpc(options: GrpcOptions): Promise<{ port: number; close(): Promise<void> }> {
  const definition = loadSync(protoFile("mltb_board_v1"), {
    keepCase: true,
    longs: Number,
    defaults: false,
    oneofs: true,
  });
  const service = definition["mltb.board.v1.BoardService"] as grpc.ServiceDefinition;
  const server = new grpc.Server({
    "grpc.max_receive_message_length": MESSAGE_BYTES,
    "grpc.max_concurrent_streams": 256,
    // Two bays on one port would share its clients.
    "grpc.so_reuseport": 0,
  });
  const limits = new CallLimits(options.rates ?? RATES);
  const methods: grpc.UntypedServiceImplementation = {};
  for (const { feature, name, call } of calls()) {
    if (call.grpc !== undefined)
      methods[call.grpc.method] = serve(options, limits, `${feature.name}.${name}`, call) as never;
  }
  server.addService(service, methods);
  const credentials =
    options.tls === undefined
      ? grpc.ServerCredentials.createInsecure()
      : grpc.ServerCredentials.createSsl(null, [{ cert_chain: options.tls.cert, private_key: options.tls.key }]);
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  const bind = (port: number): Promise<number> =>
    new Promise((resolve, reject) => {
      server.bindAsync(`${host}:${port}`, credentials, (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
  const port = await bind(options.port).catch((error: Error) => {
    if (!error.message.includes("EADDRINUSE")) throw error;
    if (!options.named) return bind(0);
    const text = `port ${options.port} on ${options.host} is in use`;
    throw new BayError("port_in_use", text, "name another port, or 0 for a free one");
  });
  return {
    port,
    close: async () => server.forceShutdown(),
  };
}

/** The handler of one method. */
function serve(
  options: GrpcOptions,
  limits: CallLimits,
  full: string,
  call: Call,
): grpc.handleUnaryCall<Record<string, unknown>, unknown> {
  const fields = requestFields(call);
  const params = new Set(Object.keys(call.params.shape));
  const lists = fields.filter(({ schema, required }) => !required && isList(schema)).map(({ name }) => name);
  const convert = protoAnswer(call);

  async function answer(request: grpc.ServerUnaryCall<Record<string, unknown>, unknown>, signal: AbortSignal) {
    const login = loginOf(options.tokens, request);
    const over = await limits.refusal(login?.user, request.getPeer());
    if (over !== undefined) return over;
    const caller = callerOf(login, request, call);
    if ("code" in caller) return caller;
    const given = { params: {} as Record<string, unknown>, query: {}, body: {} as Record<string, unknown> };
    for (const { name } of fields) {
      const value = request.request[name];
      if (value === undefined || name === "lease" || name === "idempotency_key") continue;
      if (params.has(name)) given.params[name] = value;
      else given.body[name] = value;
    }
    // A list without items does not travel: where nothing else is asked for, it was meant (`SetPanel`).
    if (Object.keys(given.body).length === 0) for (const name of lists) given.body[name] = [];
    const checked = checkInput(call, given);
    if ("status" in checked) return checked;
    return options.dispatcher.run(full, call, { input: checked.input, caller, signal });
  }

  return (request, respond) => {
    const abort = new AbortController();
    request.on("cancelled", () => abort.abort());
    answer(request, abort.signal).then(
      (result) => {
        if (result.status === "done") respond(null, convert(result.state));
        else respond(errorOf(result));
      },
      (error: Error) => {
        options.onError(error);
        respond({ code: grpc.status.INTERNAL, details: "this should not happen; the bay's log has more" });
      },
    );
  };
}

const isList = (schema: z.ZodType): boolean => schema.safeParse([]).success;

function loginOf(tokens: Tokens, asked: grpc.ServerUnaryCall<Record<string, unknown>, unknown>): Login | undefined {
  const [scheme = "", token = ""] = String(asked.metadata.get("authorization")[0] ?? "").split(" ");
  return /^bearer$/i.test(scheme) ? tokens.login(token) : undefined;
}

/** Who sent a request, or why it may not. */
function callerOf(
  login: Login | undefined,
  asked: grpc.ServerUnaryCall<Record<string, unknown>, unknown>,
  call: Call,
): Caller | Bad {
  if (login === undefined)
    return refused("unauthorized", "a token is needed in the metadata `authorization: Bearer TOKEN`");
  if (roles.indexOf(login.role) < roles.indexOf(call.role)) {
    return refused("forbidden", `${login.user} is ${login.role}; this takes ${call.role}`);
  }
  const override = String(asked.metadata.get("mltb-override")[0] ?? "").slice(0, 200);
  const { lease, idempotency_key: key } = asked.request as { lease?: string; idempotency_key?: string };
  return {
    source: "api",
    user: login.user,
    role: login.role,
    origin: `grpc ${asked.getPeer()}`,
    ...(lease === undefined || lease === "" ? {} : { lease }),
    ...(override === "" ? {} : { override }),
    ...(key === undefined || key === "" ? {} : { id: callerId(`grpc ${call.grpc?.method} ${key}`) }),
  };
}
