import { ampsPerCode, INA226, type MonitoringBoard, monitoringConverter } from "@mltb/hardware";
import type { Rail } from "../world/rail.ts";
import type { FastChain } from "./fast-chain.ts";

/** Time that a code must stay above its limit, as in the C runtime: four conversions. */
const TRIP_US = 200;
/** Highest code: a limit that never trips. */
const NEVER = 32767;

/** The runtime's hard-limit compare and energy counters, in Node. */
export interface Compare {
  /** `for_ms`: the limit holds so long, and then the one before counts; absent for good. */
  limit(channel: number, code: number, for_ms?: number): void;
  /** The bytes of the output chain as they may go out: a tripped switch stays open until it is written open. */
  masked(bytes: Uint8Array): Uint8Array;
  /** The bytes written last. */
  written(): Uint8Array;
  /** A step of the world has ended. */
  row(currents_a: number[], step_us: number, rails: Rail[]): void;
  energy(): string;
  /** Lowest and highest code of all channels since the last call. */
  range(): string | undefined;
}

export function createCompare(
  board: MonitoringBoard,
  chain: FastChain,
  onTrip: (channel: number, code: number) => void,
): Compare {
  const limits = board.channels.map(() => NEVER);
  const profiles = board.channels.map(() => ({ code: NEVER, left_us: 0 }));
  const over_us = board.channels.map(() => 0);
  const energies = board.channels.map(() => 0n);
  let lowest: number[] = [];
  let highest: number[] = [];
  const cut = new Set<number>();
  const period_us = 1e6 / monitoringConverter.rate_hz;
  let last: Uint8Array = new Uint8Array(board.chain_bits / 8);

  const place = (channel: number): { at: number; mask: number } => {
    const bit = board.channels[channel]?.switch_bit ?? 0;
    return { at: last.length - 1 - (bit >> 3), mask: 1 << (bit & 7) };
  };

  return {
    limit(channel, code, for_ms = 0) {
      const limit = Math.min(NEVER, code);
      profiles[channel] = { code: limit, left_us: for_ms * 1000 };
      if (for_ms === 0) limits[channel] = limit;
      over_us[channel] = 0;
    },
    masked(bytes) {
      last = Uint8Array.from(bytes);
      const out = Uint8Array.from(bytes);
      for (const channel of cut) {
        const { at, mask } = place(channel);
        if (((out[at] as number) & mask) === 0) cut.delete(channel);
        else out[at] = (out[at] as number) & ~mask;
      }
      return out;
    },
    written: () => last,
    row(currents_a, step_us, rails) {
      for (const [n, current] of currents_a.entries()) {
        const channel = board.channels[n] as MonitoringBoard["channels"][0];
        const code = Math.min(NEVER, Math.round(chain.amperes(n, current, 0) / ampsPerCode(board, channel)));
        lowest[n] = Math.min(lowest[n] ?? NEVER, code);
        highest[n] = Math.max(highest[n] ?? -NEVER, code);
        const volts = Math.round((rails[n] as Rail).voltage_v / INA226.bus_lsb_v);
        energies[n] = (energies[n] as bigint) + BigInt(Math.round((code * volts * step_us) / period_us));
        const profile = profiles[n] as { code: number; left_us: number };
        const limit = profile.left_us > 0 ? profile.code : (limits[n] as number);
        profile.left_us = Math.max(0, profile.left_us - step_us);
        over_us[n] = code > limit ? (over_us[n] as number) + step_us : 0;
        const { at, mask } = place(n);
        if ((over_us[n] as number) < TRIP_US || cut.has(n) || ((last[at] as number) & mask) === 0) continue;
        cut.add(n);
        onTrip(n, code);
      }
    },
    range() {
      if (lowest.length === 0) return undefined;
      const bytes = Buffer.alloc(4 * lowest.length);
      for (const n of lowest.keys()) {
        bytes.writeInt16LE(lowest[n] as number, 4 * n);
        bytes.writeInt16LE(highest[n] as number, 4 * n + 2);
      }
      lowest = [];
      highest = [];
      return bytes.toString("latin1");
    },
    energy() {
      const bytes = Buffer.alloc(8 * energies.length);
      for (const [n, value] of energies.entries()) bytes.writeBigInt64LE(BigInt.asIntN(64, value), n * 8);
      return bytes.toString("latin1");
    },
  };
}
