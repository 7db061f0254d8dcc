import { floorBoard } from "@mltb/hardware";
import { deframer, encodedLimitControl, encodeFrame, nodeSeal } from "@mltb/protocol";
import { createAdm1272 } from "../parts/adm1272.ts";
import { createI2cBus, type I2cBus } from "../parts/i2c.ts";
import { createTmp105 } from "../parts/tmp105.ts";
import { createLuaBoard, type LuaBoard, type LuaBoardOptions } from "../runtime/lua-vm.ts";
import { createRail, defaultRail, type Rail } from "../world/rail.ts";

const STEP_US = 1000;

export interface FloorOptions {
  bundle: string;
  serial: string;
  lua?: LuaBoardOptions["lua"];
  /** Load of every channel. */
  power_w?: (rails: Rail[]) => number[];
}

/** A floor board in Node: the real bundle with the twins of its parts, moved by virtual time. */
export interface SimulatedFloorBoard {
  board: LuaBoard;
  rails: Rail[];
  bus: I2cBus;
  /** Levels of the connector's pins; a write that changes one calls `onPins`. */
  pins: number[];
  onPins?: () => void;
  /** Temperature at the sensor. */
  temperature_mdeg: number;
  /** Bytes from and to the host, as latin1 strings. */
  rx(bytes: string): void;
  take(): string;
  now_us(): number;
  advance(ms: number): void;
}

let starts = 0;

/** Builds the board from the hardware data and boots the bundle on it. */
export async function createFloorBoard(options: FloorOptions): Promise<SimulatedFloorBoard> {
  const { channels } = floorBoard;
  const rails = channels.map((_, n) => createRail(defaultRail, n));
  const bus = createI2cBus(100_000);
  const pins = channels.flatMap(() => [0, 0, 0]);
  let sent = "";
  let received = "";
  let world_us = 0;
  let busy_us = 0;
  let next_us = 0;
  starts += 1;
  const epoch = (starts * 7919) & 0xffff;

  const write = (bytes: string): number => {
    sent += bytes;
    return bytes.length;
  };
  const hal = {
    serial: () => options.serial,
    epoch: () => epoch,
    reset_cause: () => 0,
    ticks_us: () => Math.max(world_us, busy_us) % 2 ** 32,
    link_write: (bytes: string) => void write(bytes),
    link_room: () => 4096,
    link_frame: (kind: number, seq: number, ack: number, credit: number, id: number, tag: number, body: string) =>
      write(encodeFrame({ kind, seq, ack, credit, id, tag, body }, nodeSeal)),
    link_faults() {
      const { good, crc, cobs, short, length, kind, major, oversize, skipped_bytes } = frames.counters;
      return [good, crc, cobs + short + length + kind + major, oversize, skipped_bytes];
    },
    gpio_mode: () => undefined,
    gpio_read: (pin: number) => pins[pin] ?? 0,
    gpio_write(pin: number, level: number) {
      const changed = pins[pin] !== level;
      pins[pin] = level;
      for (const [n, { switch_pin, discharge_pin }] of channels.entries()) {
        const rail = rails[n] as Rail;
        rail.switchOn = pins[switch_pin] === 1;
        rail.discharge = pins[discharge_pin] === 1;
      }
      if (changed) board.onPins?.();
    },
    i2c_xfer(index: number, address: number, out: string, read: number): string | undefined {
      if (index !== floorBoard.monitor_bus) return undefined;
      const started = Math.max(world_us, busy_us);
      busy_us = started + bus.byte_us * (out.length + read + 2);
      const answer = bus.transfer(address, Buffer.from(out, "latin1"), read, started);
      return answer === undefined ? undefined : Buffer.from(answer).toString("latin1");
    },
    delay_us(us: number) {
      busy_us = Math.max(world_us, busy_us) + us;
    },
    heap_bytes: (): number => lua?.heap().used_bytes ?? 0,
  };
  const monitors = channels.map(({ monitor_address, shunt_ohm }, n) => {
    const rail = rails[n] as Rail;
    const inputs = {
      vin_v: () => defaultRail.supply_v,
      vout_v: () => rail.voltage_v,
      shunt_v: () => rail.current_a * shunt_ohm,
    };
    const monitor = createAdm1272(inputs);
    bus.parts.set(monitor_address, monitor);
    return monitor;
  });
  bus.parts.set(
    floorBoard.thermometer_address,
    createTmp105(() => board.temperature_mdeg),
  );

  const board: SimulatedFloorBoard = {
    get board() {
      return lua as LuaBoard;
    },
    rails,
    bus,
    pins,
    temperature_mdeg: 21_000,
    rx(bytes) {
      received += bytes;
    },
    take() {
      const bytes = sent;
      sent = "";
      return bytes;
    },
    now_us: () => Math.max(world_us, busy_us),
    advance(ms) {
      for (let step = 0; step < ms; step += 1) {
        world_us += STEP_US;
        const power = options.power_w?.(rails) ?? [];
        for (const [n, rail] of rails.entries()) rail.step(STEP_US / 1e6, power[n] ?? 0);
        for (const monitor of monitors) monitor.advance(world_us);
        // A controller that a bus transfer keeps busy cannot run before it is through.
        if (busy_us > world_us || (received === "" && world_us < next_us)) continue;
        now_ms = Math.floor(world_us / 1000);
        if (received !== "") frames.rx(received);
        received = "";
        next_us = world_us + Math.max(1, (lua as LuaBoard).tick(now_ms)) * 1000;
      }
    },
  };
  let now_ms = 0;
  const frames = deframer(encodedLimitControl, nodeSeal, ({ kind, seq, ack, credit, id, tag, body }) => {
    (lua as LuaBoard).frame(kind, seq, ack, credit, id, tag, body, now_ms);
  });
  let lua: LuaBoard | undefined;
  lua = await createLuaBoard({ bundle: options.bundle, hal, lua: options.lua });
  return board;
}
