import { BUS_VOLTAGE_ERRORS, INA226, type MonitoringBoard, monitoringBoard, monitoringConverter } from "@mltb/hardware";
import { type At24c, createAt24c } from "../parts/at24c.ts";
import { createCompare } from "../parts/compare.ts";
import { createFastChain } from "../parts/fast-chain.ts";
import { createHc595Chain, type Hc595Chain } from "../parts/hc595.ts";
import { createHd44780, type Hd44780 } from "../parts/hd44780.ts";
import { createI2cBus, type I2cBus } from "../parts/i2c.ts";
import { createIna226, type Ina226 } from "../parts/ina226.ts";
import { createInputs, createLcdBackpack } from "../parts/pcf8574.ts";
import { type BusCounts, createRecovery, RECOVERY_US } from "../parts/recovery.ts";
import { createSampler, type Sampler } from "../parts/sampler.ts";
import { createSweep, type Sweep } from "../parts/sweep.ts";
import { createTmp105 } from "../parts/tmp105.ts";
import { createTripLatch } from "../parts/trip-latch.ts";
import { createWave } from "../parts/wave.ts";
import type { NodeHal } from "../runtime/node-hal.ts";
import { createRail, defaultRail, type PathFault, type Rail, type RailModel } from "../world/rail.ts";
import { random } from "../world/random.ts";

/** Edges that the capture queue holds. */
const EDGES = 64;
/** Retriggerable one-shot on the latch clock that gates the outputs (74HC123 class). */
const OUTPUT_WATCHDOG_US = 500_000;
/** Trips that the runtime's queue holds. */
const TRIPS = 16;
/** The rack's supply: what feeds the channels, and what the board takes itself. */
const SUPPLY_V = defaultRail.supply_v;
const BOARD_A = 0.12;
/** Bandwidth for which the noise of the fast chain is given. */
const NOISE_BANDWIDTH_HZ = 1000;

/** What can break in a channel: its power path, or its monitor, which then does not answer any more. */
export type ChannelFault = PathFault | "sensor-dead";
export const channelFaults: ChannelFault[] = ["none", "stuck-on", "stuck-off", "short", "sensor-dead"];

/** The electronics of a monitoring board: everything but its controller's program and link. */
export interface MonitoringElectronics {
  board: MonitoringBoard;
  rails: Rail[];
  chain: Hc595Chain;
  monitors: Ina226[];
  /** What a monitor sees of its channel's current, as a factor: a shunt's sense line that has drifted. */
  skews: number[];
  buses: I2cBus[];
  lcd: Hd44780;
  backlight(): boolean;
  /** At the board's thermometer. */
  temperature_mdeg: number;
  eeprom: At24c;
  sampler: Sampler;
  sweep: Sweep;
  /** The controller's side: what the firmware calls. Link functions are the caller's. */
  hal: Omit<NodeHal, "link_write" | "link_room" | "serial" | "epoch" | "reset_cause" | "heap_bytes" | "counters">;
  /** World time; the controller's own clock runs ahead of it while a call keeps it busy. */
  now_us(): number;
  cpu_us(): number;
  /** One step of the world: the load of every channel over the step. */
  step(step_us: number, power_w: number[]): void;
  /** Level on a target's marker line at a time inside the next or current step. */
  marker(channel: number, level: 0 | 1, at_us: number): void;
  button(name: "up" | "down" | "select" | "stop", down: boolean): void;
  /** Breaks something in a channel (from 0), in place of what was broken before; `none` heals it. */
  breakChannel(channel: number, fault: ChannelFault): void;
  /** Takes the display off its bus, or lets its supply come: what is on the bus then is as after power-up. */
  plugDisplay(plugged: boolean): void;
  /**
   * The board's supply fails and comes back: every part is as after power-up, and outputs are off until the chain is written.
   * The dip is short: rails keep what charge they have. The controller is its runner's.
   */
  powerCycle(): void;
  gpioLevels(): Map<number, number>;
  /** Something waits in the queue of trips. */
  tripped(): boolean;
  /** Trips and marker edges that found their queue full. */
  dropped: { trips: number; edges: number };
  /** What happened on the buses, as the runtime counts it. */
  busCounts: BusCounts;
  /** Level of the wired-or of the monitors' alert outputs. */
  alert(): 0 | 1;
  /** Voltages at the inputs of the fast converter, behind shunts and amplifiers, over its own bandwidth. */
  fastInputs_v(): number[];
  /** Told when the alert line has fallen. */
  onAlert?: () => void;
  /** Told of marker edges as they are set, for a controller that has pins of its own. */
  onMarker?: (pin: number, level: 0 | 1, at_us: number) => void;
}

/** Builds the electronics from the hardware data; part errors are drawn with the seed. */
export function createMonitoringElectronics(seed: number, models: (RailModel | undefined)[]): MonitoringElectronics {
  const board = monitoringBoard;
  const source = random(seed ^ 0x5eed);
  const half = (term: string): number => BUS_VOLTAGE_ERRORS.find((error) => error.term === term)?.half_width ?? 0;
  const rails = board.channels.map((_, n) => createRail(models[n] ?? defaultRail, seed * 31 + n));
  const chain = createHc595Chain(board.chain_bits);
  const buses = [createI2cBus(400_000), createI2cBus(100_000)];
  const lcd = createHd44780(board.lcd.columns);
  const backpack = createLcdBackpack(lcd);
  const panelParts = (buses[board.panel_bus] as I2cBus).parts;
  panelParts.set(board.lcd.address, backpack);
  const skews = board.channels.map(() => 1);
  const monitors = board.channels.map((channel, n) => {
    const rail = rails[n] as Rail;
    const monitor = createIna226(
      { bus_v: () => rail.voltage_v, shunt_v: () => rail.current_a * channel.shunt_ohm * (skews[n] as number) },
      {
        bus_gain: source.rectangular(half("voltage gain")),
        bus_offset_v: source.rectangular(half("voltage offset")),
        shunt_gain: source.rectangular(INA226.gain_error),
        shunt_offset_v: source.rectangular(INA226.shunt_offset_v / 2),
      },
    );
    (buses[board.monitor_bus] as I2cBus).parts.set(channel.monitor_address, monitor);
    return monitor;
  });
  const supply = createIna226({
    bus_v: () => SUPPLY_V,
    shunt_v: () => (rails.reduce((sum, rail) => sum + rail.current_a, 0) + BOARD_A) * board.supply.shunt_ohm,
  });
  panelParts.set(board.supply.address, supply);
  const thermometer = createTmp105(() => electronics.temperature_mdeg);
  panelParts.set(board.thermometer_address, thermometer);
  const eeprom = createAt24c();
  panelParts.set(board.eeprom_address, eeprom);
  const readback = createInputs(() => rails.reduce((levels, rail, n) => levels | (rail.switchOn ? 1 << n : 0), 0));
  panelParts.set(board.readback_address, readback);
  const fast = createFastChain(board, seed + 1);
  const sampler = createSampler(board, fast);
  const wave = createWave(board, fast);
  const recovery = createRecovery();
  const sweep = createSweep(buses[board.monitor_bus] as I2cBus, recovery);
  const gpio = new Map<number, number>();
  const inputs = new Map<number, number>();
  const edges: [number, number, number, number][] = [];
  const trips: [number, number, number][] = [];
  let edgeMask = 0;
  const dropped = { trips: 0, edges: 0 };
  let world_us = 0;
  let cpu_us = 0;

  const latches = board.channels.map(createTripLatch);
  function gate(n: number): void {
    const channel = board.channels[n] as MonitoringBoard["channels"][0];
    const rail = rails[n] as Rail;
    const asserted = monitors[n]?.alert() === true;
    rail.switchOn = latches[n]?.gate(chain.output(channel.switch_bit), asserted) === 1;
    rail.discharge = chain.output(channel.discharge_bit) === 1;
  }
  /** The output watchdog: without an edge of the latch clock for this long the outputs are switched off. */
  let latched_us = 0;
  chain.onLatch = () => {
    latched_us = world_us;
    chain.outputsEnabled = true;
    for (const n of board.channels.keys()) gate(n);
  };
  function queueTrip(channel: number, at_us: number, code: number): void {
    if (trips.length === TRIPS) dropped.trips += 1;
    else trips.push([channel, Math.floor(at_us) % 2 ** 32, code]);
  }
  for (const [n, monitor] of monitors.entries()) {
    monitor.onAlert = (now_us) => {
      gate(n);
      electronics.onAlert?.();
      queueTrip(-1, now_us, 0);
    };
  }
  const compare = createCompare(board, fast, (n, code) => {
    hal.chain_write(Buffer.from(compare.written()).toString("latin1"));
    queueTrip(n, world_us, code);
  });

  function spend(us: number): void {
    cpu_us = Math.max(cpu_us, world_us) + us;
  }

  let kept = false;
  let converting = false;
  /** As in the C runtime conversions run while any switch is closed, for a stream, and until a waveform is complete. */
  function conversions(): void {
    const on = kept || sampler.period_us() !== undefined || wave.running();
    if (on && !converting) wave.begin();
    converting = on;
  }

  const hal: MonitoringElectronics["hal"] = {
    ticks_us: () => Math.floor(Math.max(cpu_us, world_us)) % 2 ** 32,
    gpio_mode(pin, mode) {
      if (mode === 2 && !inputs.has(pin)) inputs.set(pin, 1);
      if (mode === 1) gpio.set(pin, gpio.get(pin) ?? 0);
    },
    gpio_write(pin, level) {
      gpio.set(pin, level);
      const { data_pin, clock_pin, latch_pin } = board.chain;
      if (pin === data_pin || pin === clock_pin || pin === latch_pin) {
        chain.pins(gpio.get(data_pin) ?? 0, gpio.get(clock_pin) ?? 0, gpio.get(latch_pin) ?? 0);
      }
    },
    chain_write(bytes) {
      const { data_pin, clock_pin, latch_pin } = board.chain;
      for (const value of compare.masked(Buffer.from(bytes, "latin1"))) {
        for (let bit = 7; bit >= 0; bit -= 1) {
          hal.gpio_write(data_pin, (value >> bit) & 1);
          hal.gpio_write(clock_pin, 1);
          hal.gpio_write(clock_pin, 0);
        }
      }
      hal.gpio_write(latch_pin, 1);
      hal.gpio_write(latch_pin, 0);
    },
    trip_limit: compare.limit,
    trip_take: () => trips.shift(),
    gpio_read: (pin) =>
      (pin === board.alert_pin ? electronics.alert() : undefined) ?? inputs.get(pin) ?? gpio.get(pin) ?? 0,
    i2c_xfer(bus, address, write, read) {
      const line = buses[bus];
      if (line === undefined) throw new Error(`no I2C bus ${bus}`);
      const started = Math.max(cpu_us, world_us);
      if (line.held()) spend(RECOVERY_US);
      // One byte time for each address, one for each data byte.
      spend(line.byte_us * (write.length + 1 + (read > 0 ? read + 1 : 0)));
      const freed = line.held() ? recovery.free(line) : true;
      const answer = freed ? line.transfer(address, Buffer.from(write, "latin1"), read, started) : undefined;
      if (answer === undefined) recovery.counts.failed += 1;
      return answer === undefined ? undefined : Buffer.from(answer).toString("latin1");
    },
    sweep_start: sweep.start,
    sweep_take: sweep.take,
    delay_us: spend,
    edges_start(mask) {
      edgeMask = mask;
    },
    edge_take: () => edges.shift(),
    sampler_start(period_us, rows) {
      const started = sampler.start(period_us, rows, world_us);
      conversions();
      return started;
    },
    sampler_stop() {
      sampler.stop();
      conversions();
    },
    sampler_take: () => sampler.take(),
    sampler_keep(on) {
      kept = on;
      conversions();
    },
    sampler_energy: () => compare.energy(),
    sampler_range: () => compare.range(),
    wave_keep: (channel) => converting && wave.keep(channel),
    wave_get: wave.get,
    wave_read: wave.read,
  };

  const noise = Math.sqrt(monitoringConverter.rate_hz / NOISE_BANDWIDTH_HZ);
  const electronics: MonitoringElectronics = {
    board,
    rails,
    chain,
    monitors,
    skews,
    buses,
    lcd,
    backlight: () => backpack.backlight(),
    temperature_mdeg: 24_500,
    eeprom,
    sampler,
    sweep,
    hal,
    now_us: () => world_us,
    cpu_us: () => cpu_us,
    step(step_us, power_w) {
      // A sampler that is faster than the world's step divides it.
      const part_us = Math.min(step_us, sampler.period_us() ?? step_us);
      for (let done = 0; done < step_us; done += part_us) {
        world_us += part_us;
        const currents = rails.map((rail, n) => rail.step(part_us / 1e6, power_w[n] ?? 0));
        for (const monitor of monitors) monitor.advance(world_us);
        supply.advance(world_us);
        sampler.row(currents, world_us);
        if (!converting) continue;
        compare.row(currents, part_us, rails);
        wave.row(currents, world_us);
        // The end of a waveform may be that of the conversions.
        conversions();
      }
      sweep.advance(world_us);
      if (chain.outputsEnabled && world_us - latched_us > OUTPUT_WATCHDOG_US) {
        chain.outputsEnabled = false;
        for (const n of board.channels.keys()) gate(n);
      }
    },
    marker(channel, level, at_us) {
      const pin = board.channels[channel - 1]?.marker_pin ?? -1;
      if (inputs.get(pin) === level) return;
      inputs.set(pin, level);
      electronics.onMarker?.(pin, level, at_us);
      if ((edgeMask & (1 << pin)) === 0) return;
      if (edges.length === EDGES) {
        dropped.edges += 1;
        return;
      }
      edges.push([pin, level, Math.floor(at_us) % 2 ** 32, sampler.indexAt(at_us)]);
    },
    button(name, down) {
      inputs.set(board.buttons[name], down ? 0 : 1);
    },
    breakChannel(channel, fault) {
      const rail = rails[channel] as Rail;
      const { monitor_address } = board.channels[channel] as MonitoringBoard["channels"][0];
      const monitor = monitors[channel] as Ina226;
      const { parts } = buses[board.monitor_bus] as I2cBus;
      rail.fault = fault === "sensor-dead" ? "none" : fault;
      if (fault === "sensor-dead") parts.delete(monitor_address);
      else if (!parts.has(monitor_address)) {
        // A part that comes back has lost its configuration.
        monitor.powerUp();
        parts.set(monitor_address, monitor);
      }
    },
    plugDisplay(plugged) {
      if (!plugged) panelParts.delete(board.lcd.address);
      else {
        backpack.powerUp(Math.max(cpu_us, world_us));
        panelParts.set(board.lcd.address, backpack);
      }
    },
    powerCycle() {
      const now_us = Math.max(cpu_us, world_us);
      for (const monitor of monitors) monitor.powerUp();
      supply.powerUp();
      thermometer.powerUp(now_us);
      eeprom.cutPower(source.uniform, now_us);
      backpack.powerUp(now_us);
      chain.powerUp();
      for (const n of board.channels.keys()) gate(n);
    },
    gpioLevels: () => gpio,
    tripped: () => trips.length > 0,
    dropped,
    busCounts: recovery.counts,
    alert: () => (monitors.some((monitor) => monitor.alert()) ? 0 : 1),
    fastInputs_v: () =>
      board.channels.map(
        ({ shunt_ohm }, n) =>
          fast.amperes(n, (rails[n] as Rail).current_a, noise) * shunt_ohm * board.fast_current.amplifier_gain,
      ),
  };
  return electronics;
}
