import { INA226, type MonitoringBoard } from "@mltb/hardware";
import { type BoardSession, RackFlag } from "@mltb/protocol";
import { idiv } from "#platform";
import { readRegister, setUpIna226 } from "../drivers/ina226.ts";
import { readTmp105 } from "../drivers/tmp105.ts";

/** One part is read at a time, each of them twice a second. */
const STEP_MS = 250;
const TELL_MS = 1000;

/** What the board measures of its rack. */
export interface Rack {
  temperature_mdeg: number;
  supply_mv: number;
  supply_ma: number;
  /** `RackFlag`. */
  flags: number;
}

export interface RackService {
  seen: Rack;
  tick(this: void, now_ms: number): void;
  /** The panel was locked, or freed. */
  lock(this: void, locked: boolean): void;
  /** Sends the state to a host that has just come. */
  announce(this: void): void;
}

/**
 * Supply and temperature of the rack, by parts of the panel's bus. A part that is silent is set up again when it answers.
 *
 * @param onTemperature told of each reading in thousandths of a degree Celsius, undefined where it says nothing
 */
export function createRack(
  hal: Hal,
  board: MonitoringBoard,
  session: () => BoardSession,
  onTemperature: (this: void, mdeg: number | undefined) => void,
): RackService {
  const { panel_bus: bus, supply, thermometer_address } = board;
  // Milliamperes x 1000 of a shunt code, whole for the shunts in use.
  const step_ua = Math.floor((INA226.shunt_lsb_v * 1000000) / supply.shunt_ohm + 0.5);
  const seen: Rack = {
    temperature_mdeg: 0,
    supply_mv: 0,
    supply_ma: 0,
    flags: RackFlag.no_temperature + RackFlag.no_supply,
  };
  let next_ms = 0;
  let tell_ms = 0;
  let turn = 0;
  let warm = false;

  function flag(bit: number, on: boolean): void {
    const known = seen.flags;
    seen.flags = on ? seen.flags | bit : seen.flags & (255 - bit);
    if (seen.flags !== known) tell_ms = 0;
  }

  function temperature(): void {
    const mdeg = readTmp105(hal, bus, thermometer_address);
    // What comes first after a silence was not converted yet: it counts as an answer and not as a temperature.
    const known = mdeg !== undefined && warm;
    flag(RackFlag.no_temperature, !known);
    warm = mdeg !== undefined;
    if (mdeg !== undefined) seen.temperature_mdeg = mdeg;
    onTemperature(known ? mdeg : undefined);
  }

  function power(): void {
    const { address } = supply;
    if ((seen.flags & RackFlag.no_supply) !== 0) {
      flag(RackFlag.no_supply, !setUpIna226(hal, bus, address));
      return;
    }
    const volts = readRegister(hal, bus, address, INA226.registers.bus_voltage);
    const shunt = volts < 0 ? -1 : readRegister(hal, bus, address, INA226.registers.shunt_voltage);
    flag(RackFlag.no_supply, shunt < 0);
    if (shunt < 0) return;
    seen.supply_mv = idiv(volts * 5, 4);
    // Two's complement: a small reverse current is the monitor's offset.
    seen.supply_ma = idiv((shunt < 32768 ? shunt : shunt - 65536) * step_ua, 1000);
  }

  function announce(): void {
    session().state("rack_state", "rack", seen);
  }

  return {
    seen,
    announce,
    lock(this: void, locked: boolean): void {
      flag(RackFlag.locked, locked);
    },
    tick(this: void, now_ms: number): void {
      if (now_ms >= next_ms) {
        next_ms = now_ms + STEP_MS;
        turn += 1;
        if (turn % 2 === 0) power();
        else temperature();
      }
      if (now_ms < tell_ms) return;
      tell_ms = now_ms + TELL_MS;
      announce();
    },
  };
}
