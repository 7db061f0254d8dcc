import type { MonitoringBoard } from "@mltb/hardware";
import type { Outputs } from "../services/outputs.ts";
import type { Chain } from "./hc595.ts";

/** Outputs on the 74HC595 chain of a monitoring board. */
export function createChainOutputs(hal: Hal, board: MonitoringBoard, chain: Chain): Outputs {
  const { channels } = board;
  let sampling = false;

  /** The compare and the energy counters need conversions while any switch is closed. */
  function keepSampling(): void {
    if (hal.sampler_keep === undefined) return;
    let any = false;
    for (const { switch_bit } of channels) if (chain.get(switch_bit) === 1) any = true;
    if (any !== sampling) hal.sampler_keep(any);
    sampling = any;
  }

  const of = (index: number) => channels[index] as MonitoringBoard["channels"][0];
  return {
    drive(this: void, index: number, on: boolean, discharge: boolean): void {
      const { switch_bit, discharge_bit } = of(index);
      chain.set(on ? discharge_bit : switch_bit, 0);
      chain.write();
      chain.set(switch_bit, on ? 1 : 0);
      chain.set(discharge_bit, discharge ? 1 : 0);
      chain.write();
      keepSampling();
    },
    switched(this: void, index: number): number {
      return chain.get(of(index).switch_bit);
    },
    reset(this: void, index: number, level: number): void {
      chain.set(of(index).reset_bit, level);
      chain.write();
    },
    asserted(this: void, index: number): number {
      return chain.get(of(index).reset_bit);
    },
  };
}
