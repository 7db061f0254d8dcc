import type { MonitoringBoard } from "@mltb/hardware";
import { shr } from "#platform";
import type { Outputs } from "../services/outputs.ts";
import type { Chain } from "./hc595.ts";

/** Of a switch whose gate could not be read back. */
const UNKNOWN = 2;

/** Outputs with a strap line for each channel. */
export interface ChainOutputs extends Outputs {
  strap(this: void, index: number, level: number): void;
}

/**
 * Outputs on the 74HC595 chain of a monitoring board. Reset and strap lines are open drains: a low bit lets go of the line.
 * While a channel is off both are let go of, so that nothing feeds a board without power; what is set meanwhile is driven
 * from the moment at which the switch closes.
 *
 * What the gates get, behind the chain, the trip latches and the one-shot that gates the outputs, is read back through a PCF8574,
 * which is never written to: all its pins are inputs after power-up (NXP PCF8574 rev. 5, 7.1). One transfer reads all of them:
 * after each change of a switch, and with the first channel's state, which is asked for once a second.
 */
export function createChainOutputs(hal: Hal, board: MonitoringBoard, chain: Chain): ChainOutputs {
  const { channels } = board;
  let sampling = false;
  let gates: string | undefined;
  /** Levels that the lines are to have while the channel is on. */
  const resets: number[] = [];
  const straps: number[] = [];
  for (let i = 0; i < channels.length; i += 1) {
    resets.push(0);
    straps.push(0);
  }

  /** The compare and the energy counters need conversions while any switch is closed. */
  function keepSampling(): void {
    if (hal.sampler_keep === undefined) return;
    let any = false;
    for (const { switch_bit } of channels) if (chain.get(switch_bit) === 1) any = true;
    if (any !== sampling) hal.sampler_keep(any);
    sampling = any;
  }

  const of = (index: number) => channels[index] as MonitoringBoard["channels"][0];

  /** Lines of a channel as they may be driven. */
  function lines(index: number): void {
    const { switch_bit, reset_bit, strap_bit } = of(index);
    const on = chain.get(switch_bit);
    chain.set(reset_bit, on * (resets[index] as number));
    chain.set(strap_bit, on * (straps[index] as number));
  }

  return {
    drive(this: void, index: number, on: boolean, discharge: boolean): void {
      const { switch_bit, discharge_bit } = of(index);
      if (!on && chain.get(switch_bit) === 1) {
        resets[index] = 0;
        straps[index] = 0;
      }
      chain.set(on ? discharge_bit : switch_bit, 0);
      if (!on) lines(index);
      chain.write();
      chain.set(switch_bit, on ? 1 : 0);
      chain.set(discharge_bit, discharge ? 1 : 0);
      lines(index);
      chain.write();
      gates = undefined;
      keepSampling();
    },
    switched(this: void, index: number): number {
      if (index === 0) gates = undefined;
      gates ??= hal.i2c_xfer(board.panel_bus, board.readback_address, "", 1);
      return gates === undefined ? UNKNOWN : shr(string.byte(gates), index) & 1;
    },
    reset(this: void, index: number, level: number): void {
      resets[index] = level;
      lines(index);
      chain.write();
    },
    asserted(this: void, index: number): number {
      return chain.get(of(index).reset_bit);
    },
    strap(this: void, index: number, level: number): void {
      straps[index] = level;
      lines(index);
      chain.write();
    },
  };
}
