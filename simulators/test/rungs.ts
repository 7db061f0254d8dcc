import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { buildBundle } from "@mltb/firmware";
import { buildImage } from "@mltb/firmware/images";
import { floorBoard } from "@mltb/hardware";
import {
  createFloorBoard,
  createMonitoringElectronics,
  createRp2040Board,
  createSimulatedRack,
  defaultRail,
  type Flash,
  type LuaBoardOptions,
  type Rp2040Board,
  type SimulatedFloorBoard,
  type SimulatedRack,
  type SimulatedTarget,
} from "../src/index.ts";
import type { MonitoringRung, Rung } from "./bench.ts";
import { monitoringWorld, takeOff } from "./world.ts";

const target: SimulatedTarget = { name: "t1", channel: 1, load: { idle_w: 1.2, cpu_w: 0 } };

/** The bundle in a Lua state inside Node, in a simulated rack with one target on channel 1. */
export async function luaBoard(lua?: LuaBoardOptions["lua"]): Promise<MonitoringRung & { rack: SimulatedRack }> {
  const bundle = await buildBundle("monitoring");
  const rack = await createSimulatedRack({
    rack: "bench",
    serial: "V1",
    bundle: bundle.source,
    seed: 1,
    clock: "virtual",
    lua,
    targets: [target],
  });
  return rackRung(rack);
}

/** A simulated rack as a rung, its link in memory. */
export async function rackRung(rack: SimulatedRack): Promise<MonitoringRung & { rack: SimulatedRack }> {
  let received = "";
  await rack.transport.open({
    onBytes: (chunk) => {
      received += Buffer.from(chunk).toString("latin1");
    },
    onClose: () => undefined,
  });
  return {
    rack,
    electronics: rack.electronics,
    world: monitoringWorld(rack.electronics),
    advance: rack.advance,
    write: rack.transport.write,
    take() {
      const bytes = received;
      received = "";
      return bytes;
    },
    press: rack.press,
    clock_us: () => Math.max(rack.electronics.cpu_us(), rack.electronics.now_us()),
    restart: () => void rack.restart(),
    powerCycle: () => void rack.powerCycle(),
    hang: rack.hang,
    stop: rack.stop,
  };
}

/** What a UF2 file puts into flash. */
function flashOf(file: Buffer): Uint8Array {
  const blocks: Buffer[] = [];
  for (let at = 0; at < file.length; at += 512) blocks.push(file.subarray(at + 32, at + 288));
  return Buffer.concat(blocks);
}

/** `b .`, for `Rp2040Board.patch`. */
export const ENDLESS_LOOP = 0xe7fe;

/** Address of a function in the RP2040 image. */
export async function imageSymbol(name: string): Promise<number> {
  const { elf } = await buildImage("rp2040");
  const line = execFileSync("arm-none-eabi-nm", [elf], { encoding: "utf8" })
    .split("\n")
    .find((entry) => entry.endsWith(` ${name}`));
  if (line === undefined) throw new Error(`the image has no function ${name}`);
  return Number.parseInt(line, 16) & ~1;
}

/** The RP2040 image on the emulated chip, with a constant load of 1.2 W on channel 1. */
export async function rp2040Image(
  carrier: "uart" | "cdc" | "hid" = "uart",
  boot: "image" | "loader" = "image",
  chip?: Flash,
): Promise<MonitoringRung & { board: Rp2040Board; debug: string[] }> {
  const image = await buildImage("rp2040");
  const electronics = createMonitoringElectronics(1, []);
  const debug: string[] = [];
  let received = "";
  let sent = "";
  const board = createRp2040Board({
    image: readFileSync(image.bin),
    ...(boot === "loader" ? { flash: flashOf(readFileSync(image.uf2 ?? "")) } : {}),
    carrier,
    chip,
    electronics,
    link: {
      take() {
        const bytes = sent;
        sent = "";
        return bytes === "" ? undefined : bytes;
      },
      write(bytes) {
        received += bytes;
      },
      room: () => 65_536,
    },
    power_w: () => [(electronics.rails[0]?.voltage_v ?? 0) > 0.9 * defaultRail.supply_v ? 1.2 : 0],
    onDebug: (line) => debug.push(line),
  });
  const releases: { at_us: number; release: () => void }[] = [];
  return {
    board,
    debug,
    electronics,
    world: monitoringWorld(electronics),
    advance(ms) {
      board.run(ms * 1000);
      while (releases[0] !== undefined && releases[0].at_us <= board.now_us()) releases.shift()?.release();
    },
    write(bytes) {
      sent += Buffer.from(bytes).toString("latin1");
    },
    take() {
      const bytes = received;
      received = "";
      return bytes;
    },
    clock_us: board.now_us,
    press(button, ms) {
      electronics.button(button, true);
      releases.push({ at_us: board.now_us() + ms * 1000, release: () => electronics.button(button, false) });
    },
    restart: board.restart,
    powerCycle: board.powerCycle,
    async hang() {
      board.patch(await imageSymbol("luaV_execute"), ENDLESS_LOOP);
    },
    stop: () => Promise.resolve(),
  };
}

/** The floor bundle in a Lua state inside Node, with the twins of its parts and 1.2 W on channel 1. */
export async function floorLuaBoard(lua?: LuaBoardOptions["lua"]): Promise<Rung & { board: SimulatedFloorBoard }> {
  const { source } = await buildBundle("floor");
  const board = await createFloorBoard({
    bundle: source,
    serial: "F1",
    lua,
    power_w: (rails) => [(rails[0]?.voltage_v ?? 0) > 0.9 * defaultRail.supply_v ? 1.2 : 0],
  });
  const { channels } = floorBoard;
  return {
    board,
    world: {
      rails: board.rails,
      switches: () => channels.map(({ switch_pin }) => board.pins[switch_pin] as number),
      reset: (channel) => board.pins[channels[channel]?.reset_pin ?? -1] as number,
      onOutputs(changed) {
        board.onPins = changed;
      },
      late_us: 0,
      removeMonitor: (channel) => takeOff(board.bus, channels[channel]?.monitor_address ?? -1),
    },
    advance: board.advance,
    write: (bytes) => board.rx(Buffer.from(bytes).toString("latin1")),
    take: board.take,
    press() {
      throw new Error("a floor board has no buttons");
    },
    clock_us: board.now_us,
    async stop() {
      board.board.close();
    },
  };
}
