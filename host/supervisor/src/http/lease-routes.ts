import { BayError, httpStatus, nameSchema, wireCode, z } from "@mltb/contract";
import type { Bad } from "../call.ts";
import type { Commands } from "../commands.ts";
import type { Leases, LeaseView } from "../leases/leases.ts";
import { type App, problem, sendProblem } from "./app.ts";
import { callerOf } from "./caller.ts";

const ttl = z.number().min(0.1).max(604_800).describe("seconds from now");
const body = z.strictObject({
  targets: z.array(nameSchema).min(1).max(512),
  ttl_s: ttl,
  priority: z.int().min(0).max(9).default(0).describe("higher is served first; it grows by one each 30 s of waiting"),
  wait_s: z.number().min(0).max(604_800).default(0).describe("how long to wait for one's turn"),
  hold: z.boolean().default(false).describe("ends when this connection is closed"),
  holder: z
    .string()
    .regex(/^[\x20-\x7d]{1,64}$/)
    .optional()
    .describe("who holds it, in words for people; the login where it is not given"),
});
const view = z.object({
  id: z.string(),
  targets: z.array(z.string()),
  holder: z.string(),
  expires_at: z.string(),
  fence: z.int(),
  priority: z.int(),
  hold: z.boolean(),
});
const byId = z.object({ id: z.string() });

/** Keeps a connection that carries a lease open, however long it is idle. */
const BEAT_MS = 5000;
/** Answers kept for repeated `Idempotency-Key`s. */
const KEYS = 1024;

/** Leases, INTERFACES section 4. */
export function leaseRoutes(app: App, leases: Leases, commands: Commands): void {
  const held = new WeakSet<object>();
  const kept = new Map<string, Promise<LeaseView | Bad>>();

  /** A request that comes again under its idempotency key gets the lease of the first. */
  function once(key: string, acquire: () => Promise<LeaseView | Bad>): Promise<LeaseView | Bad> {
    const known = kept.get(key);
    if (known !== undefined) return known;
    const started = acquire();
    kept.set(key, started);
    if (kept.size > KEYS) kept.delete(kept.keys().next().value as string);
    return started;
  }

  // Node closes an idle connection after each answer anew; one that carries a lease stays.
  app.addHook("onResponse", async (request) => {
    if (held.has(request.raw.socket)) request.raw.socket.setTimeout(0);
  });

  app.get("/api/v1/leases", {
    schema: {
      response: {
        200: z.object({
          leases: z.array(view),
          waiting: z.array(
            z.object({ targets: z.array(z.string()), holder: z.string(), priority: z.int(), waited_s: z.number() }),
          ),
        }),
      },
    },
    handler: async () => ({ leases: leases.list(), waiting: leases.waiting() }),
  });

  app.post("/api/v1/leases", {
    schema: { body, response: { 201: view } },
    handler: async (request, reply) => {
      const caller = callerOf(request);
      const { targets, ttl_s, priority, wait_s, hold, holder } = request.body;
      const wanted = [...new Set(targets)];
      for (const target of wanted) commands.find(target);
      const gone = new AbortController();
      const { socket } = request.raw;
      const onClose = (): void => gone.abort();
      socket.once("close", onClose);
      const asked = {
        targets: wanted,
        holder: holder ?? caller.user,
        user: caller.user,
        ttl_ms: ttl_s * 1000,
        priority,
      };
      const acquire = (): Promise<LeaseView | Bad> =>
        leases.acquire(caller, { ...asked, hold }, wait_s * 1000, gone.signal);
      const lease = await (caller.id === undefined ? acquire() : once(`${caller.user} ${caller.id}`, acquire));
      socket.off("close", onClose);
      if ("status" in lease) {
        const text = problem(httpStatus[lease.code], wireCode(lease.code), lease.message, lease.suggestion);
        return sendProblem(reply, text) as never;
      }
      if (hold) {
        held.add(socket);
        const closed = leases.bind(lease.id);
        if (socket.destroyed) closed();
        else socket.once("close", closed);
      } else if (socket.destroyed) {
        // Whoever waited for it has gone away and will never learn its id.
        await leases.release(caller, lease.id);
      }
      return reply.status(201).send(lease);
    },
  });

  app.get("/api/v1/leases/:id", {
    schema: { params: byId, response: { 200: view } },
    handler: async (request) => leases.view(request.params.id),
  });

  app.put("/api/v1/leases/:id", {
    schema: { params: byId, body: z.strictObject({ ttl_s: ttl }), response: { 200: view } },
    handler: async (request) => leases.renew(callerOf(request), request.params.id, request.body.ttl_s * 1000),
  });

  app.delete("/api/v1/leases/:id", {
    schema: { params: byId },
    handler: async (request, reply) => {
      try {
        await leases.release(callerOf(request), request.params.id);
      } catch (error) {
        // To end what has ended is done.
        if (!(error instanceof BayError) || error.code !== "lease_ended") throw error;
      }
      return reply.status(204).send();
    },
  });

  /** A stream that lives as long as the lease: closing it ends the lease, the end of the lease closes it. */
  app.get("/api/v1/leases/:id/hold", {
    schema: { params: byId },
    handler: (request, reply) => {
      const { id } = request.params;
      const closed = leases.bind(id);
      reply.hijack();
      const { raw } = reply;
      raw.writeHead(200, { "content-type": "application/x-ndjson", "cache-control": "no-store" });
      const beat = (): void => {
        const lease = leases.list().find((entry) => entry.id === id);
        if (lease === undefined) raw.end(`${JSON.stringify({ event: "ended", id })}\n`);
        else raw.write(`${JSON.stringify({ event: "held", ...lease })}\n`);
      };
      const timer = setInterval(beat, BEAT_MS);
      const off = leases.onEnd((ended) => {
        if (ended === id) beat();
      });
      beat();
      raw.once("close", () => {
        clearInterval(timer);
        off();
        closed();
      });
    },
  });
}
