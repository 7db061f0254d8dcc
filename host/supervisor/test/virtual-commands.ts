import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Bay } from "@mltb/contract";
import type { SimulatedRack } from "@mltb/simulators";
import type { Caller, CommandResult } from "../src/call.ts";
import { Commands } from "../src/commands.ts";
import type { Board } from "../src/device/board.ts";
import type { ByteTransport } from "../src/link/transport.ts";
import { type BayStateStore, openState } from "../src/state.ts";
import { rackOf, type VirtualBay, virtualBay } from "./virtual.ts";

/** The supervisor's command path (gate, leases, journal, link) over boards of eight targets each, in virtual time. */
export interface VirtualCommands {
  time: VirtualBay;
  /** The first board and its rack; those of all are in `time`. */
  board: Board;
  rack: SimulatedRack;
  commands: Commands;
  /** What the commands find, and the bay file behind it: a reload changes both. */
  boards: Board[];
  bay: Bay;
  state: BayStateStore;
  targets: string[];
  /** Commands for a target's power that were sent to the first board, in their order, as the number of the action. */
  sent: Map<number, number[]>;
  caller(user: string, more?: Partial<Caller>): Caller;
  rail(target: string): SimulatedRack["electronics"]["rails"][0];
  /** A command for a target's power, of a client of that name. */
  power(target: string, args: object, user?: string, more?: Partial<Caller>): Promise<CommandResult>;
  /** Lets time pass until something has ended. */
  ended<T>(running: Promise<T>, within_ms?: number): Promise<T>;
  /** The calendar's clock: what it says, and what sets it. */
  wall(): number;
  setWall(step_ms: number): void;
  /** Opens the state store anew, as the next supervisor does; `state` is the new one. */
  reopen(): void;
  stop(): Promise<void>;
}

/** How much of a soak test runs: in `npm test`, in `npm run soak`, in its long form. */
export function scale(short: number, soak: number, long: number): number {
  if (process.env["MLTB_LONG"] === "1") return long;
  return process.env["MLTB_SOAK"] === "1" ? soak : short;
}

export async function virtualCommands(
  policy: "off" | "keep" | "reset" = "keep",
  wire: {
    transport?: (rack: SimulatedRack) => ByteTransport;
    plug?: () => void;
    onError?: (error: Error) => void;
  } = {},
  racks = 1,
): Promise<VirtualCommands> {
  const time = await virtualBay(racks, wire.transport, 8, policy);
  wire.plug?.();
  const { board, rack } = time.boards[0] as VirtualBay["boards"][0];
  const folder = mkdtempSync(join(tmpdir(), "mltb-virtual-"));
  const boards = time.boards.map((one) => one.board);
  const commands = new Commands(boards);
  const bay = { bay: "virtual", racks: boards.map((one) => rackOf(one.rack, 8, policy)) } as Bay;
  let begin = Date.now();
  const clock = { mono: () => performance.now(), wall: () => begin + performance.now() };
  const fail =
    wire.onError ??
    ((error: Error): never => {
      throw error;
    });
  const sent = new Map<number, number[]>();
  const request = board.link.request.bind(board.link);
  board.link.request = (name, body, timeout_ms) => {
    if (name === "power_set") {
      const { channel, action } = body as { channel: number; action: number };
      sent.set(channel, [...(sent.get(channel) ?? []), action]);
    }
    return request(name, body, timeout_ms);
  };
  const targets = commands.targets().map((channel) => channel.name);
  await time.until(() => commands.targets().every((channel) => channel.power === "off"), 5000);
  // Samples are of no use here and cost most of the time: while a board takes a bundle its streams are not renewed.
  for (const one of boards) one.updating = true;
  const open = (): BayStateStore => openState(folder, bay, commands, time.hub, fail, clock);
  const virtual: VirtualCommands = {
    time,
    board,
    rack,
    commands,
    boards,
    bay,
    state: open(),
    targets,
    sent,
    caller: (user, more = {}) => ({ source: "mqtt", user, role: "operator", origin: "test", ...more }),
    rail: (target) => {
      const { board: of, channel } = commands.find(target);
      const { electronics } = (time.boards[boards.indexOf(of)] as VirtualBay["boards"][0]).rack;
      return electronics.rails[channel.channel - 1] as SimulatedRack["electronics"]["rails"][0];
    },
    power: (target, args, user = "client", more = {}) =>
      commands.run(virtual.caller(user, more), "target", target, "power", args),
    async ended<T>(running: Promise<T>, within_ms = 10_000) {
      const seen: { value: T }[] = [];
      void running.then((value) => seen.push({ value }));
      await time.until(() => seen.length > 0, within_ms);
      return (seen[0] as { value: T }).value;
    },
    wall: clock.wall,
    setWall(step_ms) {
      begin += step_ms;
    },
    reopen() {
      virtual.state.close();
      virtual.state = open();
    },
    async stop() {
      virtual.state.close();
      await time.stop();
      rmSync(folder, { recursive: true });
    },
  };
  return virtual;
}
