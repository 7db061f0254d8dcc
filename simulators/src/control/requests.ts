import { channelFaults } from "../boards/monitoring.ts";
import type { SimulatedRack } from "../rack.ts";

/** The racks of a bay by the names that control requests use. */
export interface ControlBay {
  board(name: string): SimulatedRack | undefined;
  rack(name: string): SimulatedRack | undefined;
  target(name: string): SimulatedRack | undefined;
}

const buttons = ["up", "down", "select", "stop"] as const;

type Answer = Record<string, unknown>;
const refuse = (error: string): Answer => ({ error });
const none = (kind: "board" | "rack" | "target", name: string): Answer =>
  refuse(name === "" ? `${kind}: the name of a ${kind} is wanted` : `no ${kind} ${name}`);

function pins(rack: SimulatedRack): Answer {
  const { board, chain } = rack.electronics;
  const levels: Record<string, number> = {};
  for (const channel of board.channels) {
    levels[`switch${channel.number}`] = chain.output(channel.switch_bit);
    // What the switch itself gets: the output, unless the channel's latch has tripped.
    levels[`gate${channel.number}`] = rack.electronics.rails[channel.number - 1]?.switchOn === true ? 1 : 0;
    levels[`discharge${channel.number}`] = chain.output(channel.discharge_bit);
    levels[`reset${channel.number}`] = chain.output(channel.reset_bit);
    levels[`strap${channel.number}`] = chain.output(channel.strap_bit);
  }
  for (const [pin, level] of rack.electronics.gpioLevels()) levels[`gp${pin}`] = level;
  return { pins: levels, outputs_enabled: chain.outputsEnabled };
}

function railOf(rack: SimulatedRack, target: string): SimulatedRack["electronics"]["rails"][0] | undefined {
  return rack.electronics.rails[(rack.channelOf(target) ?? 0) - 1];
}

const boardFaults: Record<string, (rack: SimulatedRack) => void> = {
  "link-cut": (rack) => rack.cutLink(),
  "link-restore": (rack) => rack.restoreLink(),
  hang: (rack) => rack.hang(),
  restart: (rack) => void rack.restart(),
};

function fault(bay: ControlBay, kind: string, board: string, target: string): Answer {
  const broken = channelFaults.find((entry) => entry === kind);
  if (broken !== undefined) {
    const rack = bay.target(target);
    const channel = rack?.channelOf(target);
    if (rack === undefined || channel === undefined) return none("target", target);
    rack.electronics.breakChannel(channel - 1, broken);
    return { ok: true, fault: kind, target };
  }
  const act = boardFaults[kind];
  if (act === undefined) {
    const known = [...channelFaults, ...Object.keys(boardFaults)].join(", ");
    return refuse(`fault: one of ${known} is wanted`);
  }
  const rack = bay.board(board);
  if (rack === undefined) return none("board", board);
  act(rack);
  return { ok: true, fault: kind, board };
}

/** Answers one control request, INTERFACES section 6: `get` pins, rail, lcd; `set` load; `fault`; `press`. */
export function handleControl(bay: ControlBay, request: unknown): Answer {
  if (typeof request !== "object" || request === null || Array.isArray(request))
    return refuse("a request is one JSON object");
  const r = request as Record<string, unknown>;
  const name = (key: string): string => (typeof r[key] === "string" ? (r[key] as string) : "");
  if (r["get"] === "pins") {
    const rack = bay.board(name("board"));
    return rack === undefined ? none("board", name("board")) : pins(rack);
  }
  if (r["get"] === "rail" || r["set"] === "load") {
    const rack = bay.target(name("target"));
    const rail = rack === undefined ? undefined : railOf(rack, name("target"));
    if (rail === undefined) return none("target", name("target"));
    if (r["get"] === "rail") return { voltage_v: rail.voltage_v, current_a: rail.current_a, energy_j: rail.energy_j };
    const current = r["current_a"];
    if (typeof current !== "number" || !(current >= 0 && current <= 20))
      return refuse("current_a: a number from 0 to 20 is wanted");
    rail.extra_a = current;
    return { ok: true, target: name("target"), current_a: current };
  }
  if (r["get"] === "lcd") {
    const rack = bay.rack(name("rack"));
    if (rack === undefined) return none("rack", name("rack"));
    return { lines: rack.electronics.lcd.rows(), backlight: rack.electronics.backlight() };
  }
  if (r["press"] !== undefined) {
    const rack = bay.rack(name("rack"));
    const button = buttons.find((entry) => entry === r["press"]);
    if (rack === undefined) return none("rack", name("rack"));
    if (button === undefined) return refuse(`press: one of ${buttons.join(", ")} is wanted`);
    const ms = r["ms"] ?? 100;
    if (typeof ms !== "number" || !(ms > 0 && ms <= 60_000)) return refuse("ms: a number from 1 to 60000 is wanted");
    rack.press(button, ms);
    return { ok: true, press: button, ms };
  }
  if (r["fault"] !== undefined) return fault(bay, name("fault"), name("board"), name("target"));
  return refuse("unknown request: get pins|rail|lcd, set load, fault or press is wanted");
}
