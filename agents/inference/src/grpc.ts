import type { EventEmitter } from "node:events";
import type { Http2Server } from "node:http2";
import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { INSTANCE_KEY, protoFile } from "@mltb/contract";
import { type Access, DRAIN_MS } from "./access.ts";
import { type AgentErrorKind, isAgentError } from "./errors.ts";
import { decodeBounded } from "./grpc-bounds.ts";

/** Tensors of any size that a process can hold pass; the client's own limit is 2^31 - 1 as well. */
export const MESSAGE_BYTES = 2 ** 31 - 1;

/** HTTP/2 begins with 64 kB: a request or an answer of 12 MB would wait for some two hundred turns. */
const WINDOW_BYTES = 8 * 1024 * 1024;
/** HTTP/2 begins with 16 kB, each of which costs a turn of its own in the library's streams. */
const FRAME_BYTES = 1024 * 1024;

const statuses: Record<AgentErrorKind, grpc.status> = {
  "not-found": grpc.status.NOT_FOUND,
  "invalid-argument": grpc.status.INVALID_ARGUMENT,
  unavailable: grpc.status.UNAVAILABLE,
  aborted: grpc.status.ABORTED,
  "not-supported": grpc.status.UNIMPLEMENTED,
  unauthenticated: grpc.status.UNAUTHENTICATED,
  "too-large": grpc.status.RESOURCE_EXHAUSTED,
};

export type Implementation = grpc.UntypedServiceImplementation;
export type ServerStream<Q, A> = grpc.ServerWritableStream<Q, A>;
export type ClientStream<Q, A> = grpc.handleClientStreamingCall<Q, A>;
export type DuplexStream<Q, A> = grpc.ServerDuplexStream<Q, A>;

/** The status that a caller gets for an error. */
export function toStatus(error: unknown): grpc.ServiceError {
  const code = isAgentError(error) ? statuses[error.kind] : grpc.status.INTERNAL;
  const message = (error as Error).message;
  return Object.assign(new Error(message), { code, details: message, metadata: new grpc.Metadata() });
}

const CANCELLED = new Error("the client has cancelled the call or has gone");

/** A unary call as a function that returns or throws; `signal` aborts when the client has gone or given up. */
export function unary<Q, A>(body: (request: Q, signal: AbortSignal) => Promise<A> | A): grpc.handleUnaryCall<Q, A> {
  return (call, callback) => {
    const abort = new AbortController();
    // Calls that were answered are cancelled by the library as well, and an abort without a reason makes a costly one.
    let answered = false;
    call.on("cancelled", () => answered || abort.abort(CANCELLED));
    Promise.resolve()
      .then(() => body(call.request, abort.signal))
      .then(
        (answer) => {
          answered = true;
          callback(null, answer);
        },
        (error) => {
          answered = true;
          callback(toStatus(error));
        },
      );
  };
}

type ServiceClient = grpc.Client & Record<string, unknown>;
type ServiceConstructor = grpc.ServiceClientConstructor & {
  new (address: string, credentials: grpc.ChannelCredentials, options: object): ServiceClient;
};

/** Loads a service of the contract. Field names stay as in the .proto; 64-bit integers come as text. */
function load(file: "open_inference_v2" | "mltb_agent_v1", path: string[]): ServiceConstructor {
  const definition = loadSync(protoFile(file), {
    keepCase: true,
    longs: String,
    enums: String,
    defaults: true,
    oneofs: true,
  });
  let at: unknown = grpc.loadPackageDefinition(definition);
  for (const part of path) at = (at as Record<string, unknown>)[part];
  return at as ServiceConstructor;
}

const inferenceService = (): ServiceConstructor => load("open_inference_v2", ["inference", "GRPCInferenceService"]);

/** Methods whose handlers have their requests decoded, in another process where they are large. */
const inferring = new Set(["ModelInfer", "ModelStreamInfer"]);

/**
 * A service whose requests come as bytes: decoding a large one would hold up every other call, so whoever serves them decides
 * where it is done and how much of it. Parts of a stream are decoded as they come.
 */
function undecoded(service: grpc.ServiceDefinition): grpc.ServiceDefinition {
  const entries = Object.entries(service).map(([name, method]) => {
    const decoded = method.requestStream && !inferring.has(name);
    const requestDeserialize = (bytes: Buffer): unknown =>
      decoded ? decodeBounded(name, bytes, method.requestDeserialize) : bytes;
    return [name, { ...method, requestDeserialize }] as const;
  });
  return Object.fromEntries(entries);
}

/** Handlers whose requests are decoded within their bounds; what is beyond never reaches them. */
function decoding(service: grpc.ServiceDefinition, handlers: Implementation): Implementation {
  const entries = Object.entries(handlers).map(([name, handler]) => {
    const method = service[name];
    if (method === undefined || method.requestStream || inferring.has(name)) return [name, handler] as const;
    const called = (call: EventEmitter & { request: unknown }, ...rest: unknown[]): void => {
      try {
        call.request = decodeBounded(name, call.request as Buffer, method.requestDeserialize);
      } catch (error) {
        const [callback] = rest as [((error: grpc.ServiceError) => void)?];
        if (callback === undefined) call.emit("error", toStatus(error));
        else callback(toStatus(error));
        return;
      }
      (handler as (...given: unknown[]) => void)(call, ...rest);
    };
    return [name, called as unknown as typeof handler] as const;
  });
  return Object.fromEntries(entries);
}

let decode: ((bytes: Buffer) => unknown) | undefined;

/** Decodes a ModelInferRequest; throws for bytes that are none. */
export function decodeInferRequest<R>(bytes: Uint8Array): R {
  decode ??= inferenceService().service["ModelInfer"]?.requestDeserialize as (bytes: Buffer) => unknown;
  return decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)) as R;
}

/** Refuses calls without the bearer token, before their bodies are read. */
function tokenInterceptor(access: Access): grpc.ServerInterceptor {
  return (_method, call) =>
    new grpc.ServerInterceptingCall(call, {
      start: (next) => {
        next({
          onReceiveMetadata: (metadata, forward) => {
            if (access.admits(metadata.get("authorization")[0]?.toString())) forward(metadata);
            else call.sendStatus({ code: grpc.status.UNAUTHENTICATED, details: "a bearer token is needed" });
          },
        });
      },
    });
}

/** Handlers that say when they are called. */
function counted(handlers: Implementation, onCall: () => void): Implementation {
  const entries = Object.entries(handlers).map(([name, handler]) => {
    const called = (...args: unknown[]): void => {
      onCall();
      (handler as (...given: unknown[]) => void)(...args);
    };
    return [name, called as unknown as typeof handler] as const;
  });
  return Object.fromEntries(entries);
}

/** Handlers whose answers begin with who gives them. */
function signed(handlers: Implementation, instance: string): Implementation {
  const metadata = new grpc.Metadata();
  metadata.set(INSTANCE_KEY, instance);
  const entries = Object.entries(handlers).map(([name, handler]) => {
    const called = (call: { sendMetadata(metadata: grpc.Metadata): void }, ...args: unknown[]): void => {
      call.sendMetadata(metadata.clone());
      (handler as (...given: unknown[]) => void)(call, ...args);
    };
    return [name, called as unknown as typeof handler] as const;
  });
  return Object.fromEntries(entries);
}

/** What grpc-js keeps for itself of a server; the version is pinned, and what is missing only leaves HTTP/2's own sizes. */
interface Inside {
  commonServerOptions?: { settings?: object };
  http2Servers?: Map<Http2Server, unknown>;
}

/** Lets large requests come in large pieces. grpc-js has `grpc-node.flow_control_window` for clients only (1.14). */
function widen(server: grpc.Server): { connections(): void } {
  const inside = server as unknown as Inside;
  if (inside.commonServerOptions !== undefined) {
    const sizes = { initialWindowSize: WINDOW_BYTES, maxFrameSize: FRAME_BYTES };
    inside.commonServerOptions.settings = { ...inside.commonServerOptions.settings, ...sizes };
  }
  return {
    /** The window of a whole connection; there are listeners once the server is bound. */
    connections() {
      for (const listener of inside.http2Servers?.keys() ?? [])
        listener.on("session", (session) => session.setLocalWindowSize(WINDOW_BYTES));
    },
  };
}

/** Serves both gRPC services; resolves with the bound port, rejects where it cannot be bound. */
export async function serveGrpc(options: {
  host: string;
  port: number;
  access: Access;
  /** Largest request. */
  limit_bytes: number;
  /** Told of every call. */
  onCall(): void;
  inference: Implementation;
  bench: Implementation;
  /** This life of the agent, named by every answer of `bench`. */
  instance: string;
}): Promise<{ port: number; close(): Promise<void> }> {
  const { access } = options;
  const server = new grpc.Server({
    "grpc.max_receive_message_length": options.limit_bytes,
    "grpc.max_send_message_length": MESSAGE_BYTES,
    "grpc.so_reuseport": 0,
    ...(access.needsToken ? { interceptors: [tokenInterceptor(access)] } : {}),
  });
  const wide = widen(server);
  const inference = inferenceService().service;
  server.addService(undecoded(inference), counted(decoding(inference, options.inference), options.onCall));
  const bench = load("mltb_agent_v1", ["mltb", "agent", "v1", "Agent"]).service;
  server.addService(
    undecoded(bench),
    signed(counted(decoding(bench, options.bench), options.onCall), options.instance),
  );
  const { tls } = access;
  const credentials =
    tls === undefined
      ? grpc.ServerCredentials.createInsecure()
      : grpc.ServerCredentials.createSsl(null, [{ cert_chain: tls.cert, private_key: tls.key }]);
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${host}:${options.port}`, credentials, (error, bound) => {
      if (error !== null) return reject(error);
      wide.connections();
      resolve(bound);
    });
  });
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        // A stream that its client leaves open would never end by itself.
        const timer = setTimeout(() => server.forceShutdown(), DRAIN_MS);
        server.tryShutdown(() => {
          clearTimeout(timer);
          resolve();
        });
      }),
  };
}

/**
 * A client of a foreign server that speaks the Open Inference Protocol; calls reject with the server's own words. Without `ca`
 * its certificate is checked against those that Node knows.
 */
export function inferenceClient(
  address: string,
  access: { tls?: { ca: Buffer | null }; token?: string | undefined } = {},
): {
  call<A>(method: string, request: object): Promise<A>;
  close(): void;
} {
  const { tls, token } = access;
  const credentials = tls === undefined ? grpc.credentials.createInsecure() : grpc.credentials.createSsl(tls.ca);
  const made = new (inferenceService())(address, credentials, {
    "grpc.max_receive_message_length": MESSAGE_BYTES,
    "grpc.max_send_message_length": MESSAGE_BYTES,
    "grpc-node.flow_control_window": WINDOW_BYTES,
  });
  const metadata = new grpc.Metadata();
  if (token !== undefined) metadata.set("authorization", `Bearer ${token}`);
  return {
    call: (method, request) =>
      new Promise((resolve, reject) => {
        const call = made[method] as (
          request: object,
          metadata: grpc.Metadata,
          done: (error: grpc.ServiceError | null, answer: never) => void,
        ) => void;
        call.call(made, request, metadata, (error, answer) => {
          if (error === null) resolve(answer);
          else reject(Object.assign(new Error(`${address}: ${error.details}`), { status: error.code }));
        });
      }),
    close: () => made.close(),
  };
}
