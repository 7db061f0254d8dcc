import { ChannelState, Fault, RackFlag } from "@mltb/protocol";
import { idiv, slice } from "#platform";
import { digits, fit, thousandths } from "../runtime/text.ts";
import type { Power } from "./power.ts";
import type { Rack } from "./rack.ts";
import type { Readings } from "./readings.ts";

/** Lines of a list below its title. */
const LIST_ROWS = 3;

const stateWords: Record<number, string> = {
  [ChannelState.unknown]: "?",
  [ChannelState.off]: "OFF",
  [ChannelState.on]: "ON",
  [ChannelState.changing]: "...",
  [ChannelState.fault]: "FAULT",
};

/** One character a state, behind the channel's number. */
const stateMarks: Record<number, string> = {
  [ChannelState.unknown]: "?",
  [ChannelState.off]: "-",
  [ChannelState.on]: "+",
  [ChannelState.changing]: "=",
  [ChannelState.fault]: "!",
};

const faultWords: Record<number, string> = {
  [Fault.on_unproved]: "on not proved",
  [Fault.off_unproved]: "off not proved",
  [Fault.sensor_dead]: "sensor dead",
  [Fault.over_current]: "over-current",
  [Fault.hard_over_current]: "hard over-current",
  [Fault.over_voltage]: "over-voltage",
  [Fault.under_voltage]: "under-voltage",
  [Fault.reverse_current]: "reverse current",
  [Fault.sensor_drift]: "sensor drift",
};

/** Who has a channel, as the host said: an empty holder is nobody. */
export interface Lease {
  holder: string;
  /** When it ends on the board's clock; -1 for no end. */
  until_ms: number;
}

/** What the pages show. */
export interface Shown {
  columns: number;
  names: string[];
  leases: Lease[];
  /** What the host is doing; empty for nothing. */
  note: string;
}

export interface Pages {
  board(this: void, index: number, now_ms: number): string[];
  detail(this: void, index: number, now_ms: number): string[];
  rack(this: void): string[];
  leases(this: void, now_ms: number): string[];
  faults(this: void): string[];
}

/** Time left, short: seconds below a minute, minutes below two hours, else hours; nothing for a lease without end. */
export function left(until_ms: number, now_ms: number): string {
  if (until_ms < 0) return "";
  const seconds = idiv(until_ms - now_ms + 999, 1000);
  if (seconds < 60) return `${digits(seconds)}s`;
  return seconds < 7200 ? `${digits(idiv(seconds, 60))}m` : `${digits(idiv(seconds, 3600))}h`;
}

/** The texts of the panel's pages: each has four lines that fit the display; what is too long ends with a mark. */
export function createPages(shown: Shown, power: Power, monitors: Readings, rack: Rack): Pages {
  const { columns, names, leases } = shown;

  function faultOf(index: number): string {
    const fault = power.fault(index);
    const words = faultWords[fault];
    return fault === Fault.none ? "" : words === undefined ? `fault ${digits(fault)}` : words;
  }

  /** The holder of a channel and the time left, cut at the name so that the time is always seen. */
  function holder(index: number, width: number, now_ms: number): string {
    const lease = leases[index] as Lease;
    if (lease.holder === "") return "";
    const time = left(lease.until_ms, now_ms);
    return time === "" ? fit(lease.holder, width) : `${fit(lease.holder, width - time.length - 1)} ${time}`;
  }

  function watts(voltage_mv: number, current_ua: number): string {
    const milliamps = current_ua > 0 ? idiv(current_ua + 500, 1000) : 0;
    return `${thousandths(milliamps)} A ${thousandths((voltage_mv * milliamps + 500) / 1000)} W`;
  }

  function list(title: string, entries: string[]): string[] {
    const lines = [`${title}: ${digits(entries.length)}`];
    for (let i = 0; i < entries.length && i < LIST_ROWS; i += 1) lines.push(entries[i] as string);
    if (entries.length > LIST_ROWS) lines[LIST_ROWS] = `and ${digits(entries.length - LIST_ROWS + 1)} more`;
    while (lines.length <= LIST_ROWS) lines.push("");
    return lines;
  }

  return {
    board(this: void, index: number, now_ms: number): string[] {
      const seen = monitors.readings[index] as Readings["readings"][0];
      const fault = faultOf(index);
      const held = holder(index, columns - 4, now_ms);
      return [
        fit(`${digits(index + 1)} ${names[index] as string}`, columns),
        fit(`${stateWords[power.state(index)] as string} ${thousandths(seen.voltage_mv)} V`, columns),
        fit(watts(seen.voltage_mv, seen.current_ua), columns),
        fault !== "" ? fit(`! ${fault}`, columns) : held !== "" ? `for ${held}` : fit(shown.note, columns),
      ];
    },
    detail(this: void, index: number, now_ms: number): string[] {
      const name = `${digits(index + 1)} ${names[index] as string}`;
      const held = holder(index, columns - 4, now_ms);
      const fault = faultOf(index);
      return [
        slice(name, 0, columns),
        fit(slice(name, columns, name.length), columns),
        held === "" ? "not leased" : `for ${held}`,
        fault === "" ? "no fault" : fit(`! ${fault}`, columns),
      ];
    },
    rack(this: void): string[] {
      const { temperature_mdeg, supply_mv, supply_ma, flags } = rack;
      const tenths = idiv(temperature_mdeg < 0 ? 50 - temperature_mdeg : temperature_mdeg + 50, 100);
      const whole = idiv(tenths, 10);
      const degrees = `${temperature_mdeg < 0 ? "-" : ""}${digits(whole)}.${digits(tenths - whole * 10)} C`;
      const volts = (flags & RackFlag.no_supply) !== 0 ? "no supply" : `${thousandths(supply_mv)} V`;
      let states = "";
      for (let i = 0; i < names.length; i += 1) states += digits(i + 1) + (stateMarks[power.state(i)] as string);
      return [
        fit(`${volts} ${(flags & RackFlag.no_temperature) !== 0 ? "no temp" : degrees}`, columns),
        (flags & RackFlag.no_supply) !== 0 ? "" : fit(watts(supply_mv, supply_ma * 1000), columns),
        fit(states, columns),
        fit(shown.note !== "" ? shown.note : (flags & RackFlag.locked) !== 0 ? "panel is locked" : "", columns),
      ];
    },
    leases(this: void, now_ms: number): string[] {
      const entries: string[] = [];
      for (let i = 0; i < leases.length; i += 1) {
        const held = holder(i, columns - 2, now_ms);
        if (held !== "") entries.push(`${digits(i + 1)} ${held}`);
      }
      return list("leases", entries);
    },
    faults(this: void): string[] {
      const entries: string[] = [];
      for (let i = 0; i < names.length; i += 1) {
        const fault = faultOf(i);
        if (fault !== "") entries.push(fit(`${digits(i + 1)} ${fault}`, columns));
      }
      return list("faults", entries);
    },
  };
}
