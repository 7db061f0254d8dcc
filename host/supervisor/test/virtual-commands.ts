import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Bay } from "@mltb/contract";
import type { SimulatedRack } from "@mltb/simulators";
import type { Caller } from "../src/call.ts";
import { Commands } from "../src/commands.ts";
import type { Board } from "../src/device/board.ts";
import type { ByteTransport } from "../src/link/transport.ts";
import { type BayStateStore, openState } from "../src/state.ts";
import { rackOf, type VirtualBay, virtualBay } from "./virtual.ts";

/** The supervisor's command path (gate, leases, journal, link) over one board of eight targets, in virtual time. */
export interface VirtualCommands {
  time: VirtualBay;
  board: Board;
  rack: SimulatedRack;
  commands: Commands;
  state: BayStateStore;
  targets: string[];
  /** Commands for a target's power that were sent to the board, in their order, as the number of the action. */
  sent: Map<number, number[]>;
  caller(user: string, more?: Partial<Caller>): Caller;
  rail(target: string): SimulatedRack["electronics"]["rails"][0];
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
  wire: { transport?: (rack: SimulatedRack) => ByteTransport; plug?: () => void } = {},
): Promise<VirtualCommands> {
  const time = await virtualBay(1, wire.transport, 8, policy);
  wire.plug?.();
  const { board, rack } = time.boards[0] as VirtualBay["boards"][0];
  const folder = mkdtempSync(join(tmpdir(), "mltb-virtual-"));
  const commands = new Commands([board]);
  const bay = { bay: "virtual", racks: [rackOf("r1", 8, policy)] } as Bay;
  const begin = Date.now();
  const clock = { mono: () => performance.now(), wall: () => begin + performance.now() };
  const fail = (error: Error): never => {
    throw error;
  };
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
  board.updating = true;
  const open = (): BayStateStore => openState(folder, bay, commands, time.hub, fail, clock);
  const virtual: VirtualCommands = {
    time,
    board,
    rack,
    commands,
    state: open(),
    targets,
    sent,
    caller: (user, more = {}) => ({ source: "mqtt", user, role: "operator", origin: "test", ...more }),
    rail: (target) => {
      const { channel } = commands.find(target).channel;
      return rack.electronics.rails[channel - 1] as SimulatedRack["electronics"]["rails"][0];
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
