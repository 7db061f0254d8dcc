import { features, type InputOf } from "@mltb/contract";
import { type Bad, refused } from "../call.ts";
import type { Commands } from "../commands.ts";
import type { Leases, LeaseView } from "../leases/leases.ts";
import type { App } from "./app.ts";
import { route, sendResult } from "./bind.ts";
import { callerOf } from "./caller.ts";
import { Streams } from "./streams.ts";

/** Keeps a connection that carries a lease open, however long it is idle. */
const BEAT_MS = 5000;
/** Leases kept for repeated `Idempotency-Key`s. */
const KEYS = 1024;
/** Streams that hold leases: one for each target of the largest bay. */
const HOLDERS = 2048;

/** Leases, INTERFACES section 4. */
export function leaseRoutes(app: App, leases: Leases, commands: Commands): void {
  const held = new WeakSet<object>();
  /** Apart from what is only read, which must not keep a holder from its lease. */
  const holding = new Streams(HOLDERS);
  const kept = new Map<string, { content: string; lease: Promise<LeaseView | Bad> }>();
  const ofLease = new Map<string, string>();
  leases.onEnd((id) => {
    kept.delete(ofLease.get(id) ?? "");
    ofLease.delete(id);
  });

  /**
   * A request that comes again under its idempotency key gets the lease of the first, for as long as that lasts. One that
   * got none is judged anew.
   */
  async function once(key: string, content: string, acquire: () => Promise<LeaseView | Bad>): Promise<LeaseView | Bad> {
    const known = kept.get(key);
    if (known !== undefined && known.content !== content) {
      return refused("key_reused", "this key belongs to another request", "use a new one");
    }
    if (known !== undefined) return known.lease;
    const lease = acquire();
    kept.set(key, { content, lease });
    if (kept.size > KEYS) kept.delete(kept.keys().next().value as string);
    const forget = (): void => {
      if (kept.get(key)?.lease === lease) kept.delete(key);
    };
    lease.then((outcome) => ("status" in outcome ? forget() : ofLease.set(outcome.id, key)), forget);
    return lease;
  }

  // Node closes an idle connection after each answer anew; one that carries a lease stays.
  app.addHook("onResponse", async (request) => {
    if (held.has(request.raw.socket)) request.raw.socket.setTimeout(0);
  });

  route(app, features.lease.calls.acquire, async (input, request, reply) => {
    const caller = callerOf(request);
    const { targets, ttl_s, wait_s, hold, holder, ...rest } = input as InputOf<typeof features.lease.calls.acquire>;
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
      priority: rest.priority,
      experiment: rest.experiment,
    };
    const acquire = (): Promise<LeaseView | Bad> =>
      leases.acquire(caller, { ...asked, hold }, wait_s * 1000, gone.signal);
    const lease = await (caller.id === undefined
      ? acquire()
      : once(`${caller.user} ${caller.id}`, JSON.stringify({ ...asked, hold }), acquire));
    socket.off("close", onClose);
    if ("status" in lease) return sendResult(reply, lease);
    if (hold) {
      held.add(socket);
      const closed = leases.bind(caller, lease.id);
      if (socket.destroyed) closed();
      else socket.once("close", closed);
    } else if (socket.destroyed) {
      // Whoever waited for it has gone away and will never learn its id.
      await leases.release(caller, lease.id);
    }
    return reply.status(201).send(lease);
  });

  /** A stream that lives as long as the lease: closing it ends the lease, the end of the lease closes it. */
  route(app, features.lease.calls.hold, ({ id }, request, reply) => {
    // Before the lease is bound: what was bound for nothing would end it.
    holding.check();
    const closed = leases.bind(callerOf(request), id);
    const out = holding.begin(reply, "application/x-ndjson");
    const beat = (): void => {
      const lease = leases.list().find((entry) => entry.id === id);
      if (lease === undefined) out.cut(`${JSON.stringify({ event: "ended", id })}\n`);
      else out.write(`${JSON.stringify({ event: "held", ...lease })}\n`);
    };
    const timer = setInterval(beat, BEAT_MS);
    const off = leases.onEnd((ended) => {
      if (ended === id) beat();
    });
    beat();
    out.onClose(() => {
      clearInterval(timer);
      off();
      closed();
    });
  });
}
