import { INA226 } from "@mltb/hardware";
import type { I2cPart } from "./i2c.ts";

/** What the monitor sees at its pins. */
export interface Ina226Inputs {
  bus_v(): number;
  shunt_v(): number;
}

/** Relative and absolute errors of one specimen. */
export interface Ina226Errors {
  bus_gain: number;
  bus_offset_v: number;
  shunt_gain: number;
  shunt_offset_v: number;
}

const idealIna226: Ina226Errors = { bus_gain: 0, bus_offset_v: 0, shunt_gain: 0, shunt_offset_v: 0 };

export interface Ina226 extends I2cPart {
  /** The supply was taken away and is there again: registers as after a reset, alert released. */
  powerUp(): void;
  /** The alert output pulls low. */
  alert(): boolean;
  /** Told when the alert output falls, with the time of the world. */
  onAlert?: (now_us: number) => void;
  /** Lets conversions complete up to this time; call it at least as often as the inputs change. */
  advance(now_us: number): void;
}

const R = INA226.registers;

function clamp(code: number): number {
  return Math.max(-32768, Math.min(32767, code));
}

/**
 * INA226 at register level (SBOS547B): reset values, averaging and conversion times of the configuration register,
 * continuous and triggered modes, conversion-ready flag, power and current registers after calibration, rounding to
 * codes and saturation, and the alert output with its five limits (Mask/Enable, table 12: the highest enabled one counts),
 * latched or transparent. A cycle measures the shunt first, then the bus. Alert on conversion ready and its polarity are
 * not modelled: the board's line is wired-or, low when one asserts.
 */
export function createIna226(inputs: Ina226Inputs, errors: Ina226Errors = idealIna226): Ina226 {
  const registers = new Map<number, number>();
  let pointer = 0;
  /** Bytes since the start condition, and the register that they carry. */
  let index = 0;
  let word = 0;
  let cycleEnd_us = 0;
  let started = false;
  let busSum = 0;
  let shuntSum = 0;
  let samples = 0;
  let shuntSamples = 0;
  let asserted = false;

  function reset(): void {
    for (const register of Object.values(R)) registers.set(register, 0);
    registers.set(R.configuration, INA226.configuration_reset);
    registers.set(R.manufacturer_id, INA226.manufacturer_id);
    registers.set(R.die_id, INA226.die_id);
    started = false;
    asserted = false;
  }
  reset();

  const config = (): number => registers.get(R.configuration) as number;
  const mode = (): number => config() & 7;

  const averages = (): number => INA226.averages[(config() >> 9) & 7] as number;
  const shunt_us = (): number =>
    (mode() & 1) !== 0 ? (INA226.conversion_us[(config() >> 3) & 7] as number) * averages() : 0;
  const bus_us = (): number =>
    (mode() & 2) !== 0 ? (INA226.conversion_us[(config() >> 6) & 7] as number) * averages() : 0;
  const cycle_us = (): number => shunt_us() + bus_us();

  const signed = (value: number): number => (value << 16) >> 16;
  /** Alert functions from the highest bit of Mask/Enable down: shunt over and under, bus over and under, power over. */
  const functions: [number, (limit: number) => boolean][] = [
    [INA226.alert_shunt_over, (limit) => signed(registers.get(R.shunt_voltage) as number) > signed(limit)],
    [0x4000, (limit) => signed(registers.get(R.shunt_voltage) as number) < signed(limit)],
    [0x2000, (limit) => (registers.get(R.bus_voltage) as number) > limit],
    [0x1000, (limit) => (registers.get(R.bus_voltage) as number) < limit],
    [0x0800, (limit) => (registers.get(R.power) as number) > limit],
  ];

  /** Sets the flag, and the output unless it is latched already. */
  function judge(now_us: number): void {
    const enable = registers.get(R.mask_enable) as number;
    const chosen = functions.find(([bit]) => (enable & bit) !== 0);
    const over = chosen?.[1](registers.get(R.alert_limit) as number) === true;
    const held = asserted && (enable & INA226.alert_latch) !== 0;
    const before = asserted;
    asserted = over || held;
    registers.set(R.mask_enable, asserted ? enable | INA226.alert_flag : enable & ~INA226.alert_flag);
    if (asserted && !before) part.onAlert?.(now_us);
  }

  function complete(now_us: number): void {
    const mean = (sum: number, count: number, value: number): number => (count > 0 ? sum / count : value);
    const bus_v = mean(busSum, samples, inputs.bus_v()) * (1 + errors.bus_gain) + errors.bus_offset_v;
    const shunt_v = mean(shuntSum, shuntSamples, inputs.shunt_v()) * (1 + errors.shunt_gain) + errors.shunt_offset_v;
    busSum = 0;
    shuntSum = 0;
    samples = 0;
    shuntSamples = 0;
    // The bus register saturates at 15 bits: 40.96 V.
    if ((mode() & 2) !== 0)
      registers.set(R.bus_voltage, Math.max(0, Math.min(32767, Math.round(bus_v / INA226.bus_lsb_v))));
    if ((mode() & 1) !== 0) registers.set(R.shunt_voltage, clamp(Math.round(shunt_v / INA226.shunt_lsb_v)) & 0xffff);
    const shunt = signed(registers.get(R.shunt_voltage) as number);
    // Equations 3 and 4: current = shunt x calibration / 2048, power = current x bus / 20000.
    const current = clamp(Math.trunc((shunt * (registers.get(R.calibration) as number)) / 2048));
    registers.set(R.current, current & 0xffff);
    registers.set(
      R.power,
      Math.min(0xffff, Math.trunc((Math.abs(current) * (registers.get(R.bus_voltage) as number)) / 20000)),
    );
    registers.set(R.mask_enable, (registers.get(R.mask_enable) as number) | 0x0008);
    judge(now_us);
  }

  function store(value: number): void {
    if (pointer === R.configuration) {
      if ((value & 0x8000) !== 0) reset();
      else registers.set(R.configuration, value);
      started = false;
      samples = 0;
      shuntSamples = 0;
      busSum = 0;
      shuntSum = 0;
    } else if (pointer === R.calibration) registers.set(pointer, value & 0x7fff);
    else if (pointer === R.mask_enable || pointer === R.alert_limit) registers.set(pointer, value);
    // Writes to read-only registers are acknowledged and ignored.
  }

  const part: Ina226 = {
    powerUp() {
      reset();
      pointer = 0;
      busSum = 0;
      shuntSum = 0;
      samples = 0;
      shuntSamples = 0;
    },
    alert: () => asserted,
    advance(now_us) {
      const length = cycle_us();
      if (length === 0) return;
      if (!started) {
        started = true;
        cycleEnd_us = now_us + length;
      }
      if (cycleEnd_us - now_us >= bus_us() || shuntSamples === 0) {
        shuntSum += inputs.shunt_v();
        shuntSamples += 1;
      }
      busSum += inputs.bus_v();
      samples += 1;
      if (now_us < cycleEnd_us) return;
      complete(now_us);
      const continuous = (mode() & 4) !== 0;
      if (continuous) cycleEnd_us += Math.max(1, Math.floor((now_us - cycleEnd_us) / length) + 1) * length;
      else registers.set(R.configuration, config() & ~3);
    },
    addressed(reading) {
      index = 0;
      if (reading) {
        word = registers.get(pointer) ?? 0;
        if (pointer === R.mask_enable) {
          // Reading ends a latched alert, and the next conversion may set it again.
          registers.set(pointer, word & ~(0x0008 | INA226.alert_flag));
          asserted = false;
        }
      }
      return true;
    },
    writeByte(value) {
      if (index === 0) pointer = value;
      else if (index % 2 === 1) word = value << 8;
      else store(word | value);
      index += 1;
      return true;
    },
    readByte() {
      const value = index % 2 === 0 ? word >> 8 : word & 0xff;
      index += 1;
      return value;
    },
  };
  return part;
}
