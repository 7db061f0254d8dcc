import { BayError } from "@mltb/contract";
import type { Caller } from "../call.ts";
import type { Commands } from "../commands.ts";
import type { Board } from "../device/board.ts";
import { readFirmware, updateFirmware } from "../device/firmware.ts";
import { readLog, readWaveform } from "../device/keepsakes.ts";
import type { Recordings } from "../energy/recordings.ts";
import type { EventLog } from "../features/event-log.ts";
import type { Leases } from "../leases/leases.ts";
import type { Configurations } from "../options.ts";
import type { Audit } from "../store/audit.ts";
import { checkNames, type Handlers } from "./dispatch.ts";

/** More recordings than can be under way. */
const RECORDERS = 1024;

export interface Services {
  boards: Board[];
  commands: Commands;
  recordings: Recordings;
  leases: Leases;
  audit: Audit;
  events: EventLog;
  /** Takes up the copy of the state store that lies in the state folder. */
  restore(caller: Caller): { commands: number; leases: number; audit: number };
  configurations: Configurations | undefined;
  openapi: Record<string, unknown>;
  asyncapi: Record<string, unknown>;
}

function unknownConfiguration(what: string): never {
  throw new BayError("unknown_configuration", what, "see `mltb experiment list`");
}

/** What answers each call of the contract that is no command and no stream. */
export function createHandlers(services: Services): Handlers {
  const { boards, commands, recordings, leases, audit, events } = services;
  const channelOf = (target: string) => commands.find(target).channel;
  const boardOf = (name: string): Board => {
    const board = boards.find((entry) => entry.name === name);
    if (board !== undefined) return board;
    const known = boards.map((entry) => entry.name).join(", ");
    throw new BayError("unknown_board", `there is no board ${name}; there are ${known}`);
  };
  let measureSeq = 0;
  /** Who began the recordings that are under way. */
  const recorders = new Map<string, string>();
  const own = (caller: Caller, id: string): void => {
    const user = recorders.get(id);
    if (user === undefined || user === caller.user || caller.role === "admin") return;
    throw new BayError("forbidden", `recording ${id} is ${user}'s`, "an admin can end it");
  };

  return checkNames({
    "target.list": () => commands.targets().map((channel) => channel.view()),
    "target.get": ({ input }) => channelOf(input.target).view(),
    "measure.get": ({ input }) => {
      measureSeq += 1;
      return { ...channelOf(input.target).measurement(), seq: measureSeq };
    },
    "faults.list": () =>
      commands.targets().flatMap(({ name, fault }) => (fault === null ? [] : [{ ...fault, target: name }])),
    "panel.get": ({ input }) => commands.rack(input.rack).panel,
    "markers.list": ({ input }) => events.edges(channelOf(input.target).name),
    "health.bay": () => ({
      state: boards.every((board) => board.link.lifecycle === "ready") ? "ok" : "degraded",
      boards: boards.map((board) => ({
        name: board.name,
        lifecycle: board.link.lifecycle,
        started_by: board.startedBy(),
        restarts: board.restarts,
      })),
    }),
    "health.target": ({ input }) => channelOf(input.target).health,
    "calibration.get": async ({ input }) => {
      const { board, channel } = commands.find(input.target);
      if (channel.unproved) throw new BayError("not_supported", `${board.name} measures nothing`);
      if (board.link.session.port.open) await board.recall();
      return board.calibrations.view(channel.channel);
    },
    "recording.start": async ({ input, caller }) => {
      const { board, channel } = commands.find(input.target);
      const rails = input.rails ?? [];
      const { id: lease, fence } = leases.of(channel.name) ?? {};
      // It changes the board's streams, and keeps others from writing to the board.
      for (const name of [channel.name, ...rails]) {
        const held = leases.check({ caller, kind: "target", name, feature: "recording", args: {} });
        if (held !== undefined) throw new BayError(held.code, held.message, held.suggestion);
      }
      const id = await recordings.start(board, channel, rails);
      recorders.set(id, caller.user);
      // One that was never stopped gives way to newer ones by itself.
      if (recorders.size > RECORDERS) recorders.delete(recorders.keys().next().value as string);
      const line = { action: "recording", target: channel.name, args: { id, rails }, lease, fence };
      audit.write(caller, { ...line, status: "done" });
      return { id };
    },
    "recording.stop": async ({ input, caller }) => {
      own(caller, input.id);
      const recorded = await recordings.stop(input.id);
      recorders.delete(input.id);
      return recorded;
    },
    "recording.drop": async ({ input, caller }) => {
      own(caller, input.id);
      await recordings.discard(input.id);
      recorders.delete(input.id);
    },
    "store.restore": ({ caller }) => services.restore(caller),
    "configuration.get": async ({ input: { hash } }) =>
      (await services.configurations?.get(hash)) ?? unknownConfiguration(`no configuration ${hash} is stored`),
    "configuration.component": async ({ input: { hash, component } }) => ({
      component,
      parameters:
        (await services.configurations?.parameters(hash, component)) ??
        unknownConfiguration(`no configuration ${hash} with a component ${component} is stored`),
    }),
    "log.list": ({ input }) => ({ lines: audit.read(input), lost: audit.lost }),
    "lease.list": () => ({ leases: leases.list(), waiting: leases.waiting() }),
    "lease.acquire": async ({ input, caller, signal }) => {
      const targets = [...new Set(input.targets as string[])];
      for (const target of targets) commands.find(target);
      const { holder = caller.user, priority, ttl_s, wait_s, experiment } = input;
      const asked = { targets, holder, user: caller.user, priority, experiment };
      const request = { ...asked, ttl_ms: ttl_s * 1000, hold: false };
      const lease = await leases.acquire(caller, request, wait_s * 1000, signal);
      if ("status" in lease) throw new BayError(lease.code, lease.message, lease.suggestion);
      // Whoever waited for it has gone away and will never learn its id.
      if (signal.aborted) await leases.release(caller, lease.id);
      return lease;
    },
    "lease.get": ({ input }) => leases.view(input.id),
    "lease.renew": ({ input, caller }) => leases.renew(caller, input.id, input.ttl_s * 1000, input.experiment),
    "lease.release": async ({ input, caller }) => {
      try {
        await leases.release(caller, input.id);
      } catch (error) {
        // To end what has ended is done.
        if (!(error instanceof BayError) || error.code !== "lease_ended") throw error;
      }
    },
    "board.list": () =>
      boards.map((board) => ({
        name: board.name,
        rack: board.rack,
        kind: board.welcome?.kind ?? null,
        serial: board.welcome?.serial ?? null,
        lifecycle: board.link.lifecycle,
        capabilities: board.welcome?.capabilities.split(" ") ?? [],
        started_by: board.startedBy(),
        restarts: board.restarts,
      })),
    "board.firmware": ({ input }) => readFirmware(boardOf(input.board)),
    "board.update": async ({ input, caller }) => {
      const board = boardOf(input.board);
      if (!Buffer.isBuffer(input.bytes) || input.bytes.length === 0) {
        throw new BayError("malformed", "the body is the bundle itself, as application/octet-stream");
      }
      // Of several leases the newest is named.
      const [newest] = board.channels
        .flatMap((channel) => leases.of(channel?.name ?? "") ?? [])
        .sort((a, b) => b.fence - a.fence);
      const { id: lease, fence } = newest ?? {};
      const line = { action: "firmware", target: board.name, args: { bytes: input.bytes.length }, lease, fence };
      try {
        // It concerns every target of the board: whoever has leased one of them has a say.
        for (const channel of board.channels) {
          if (channel === undefined) continue;
          const held = leases.check({ caller, kind: "target", name: channel.name, feature: "firmware", args: {} });
          if (held !== undefined) throw new BayError(held.code, held.message, held.suggestion);
        }
        const updated = await updateFirmware(board, input.bytes);
        audit.write(caller, { ...line, args: { ...line.args, sha256: updated.sha256 }, status: "done" });
        return updated;
      } catch (error) {
        const { code = "internal", message } = error as BayError;
        audit.write(caller, { ...line, status: "refused", code: code.replaceAll("_", "-"), message });
        throw error;
      }
    },
    "board.waveform": ({ input }) => readWaveform(boardOf(input.board), input.back),
    "board.log": ({ input }) => readLog(boardOf(input.board)),
    "bay.openapi": () => services.openapi,
    "bay.asyncapi": () => services.asyncapi,
  });
}
