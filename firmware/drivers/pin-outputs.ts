import type { FloorBoard } from "@mltb/hardware";
import type { Outputs } from "../services/outputs.ts";

/** Outputs on pins of their own. What is reported is read back from the pin. */
export function createPinOutputs(hal: Hal, board: FloorBoard): Outputs {
  const of = (index: number) => board.channels[index] as FloorBoard["channels"][0];
  for (const channel of board.channels) {
    for (const pin of [channel.switch_pin, channel.discharge_pin, channel.reset_pin]) {
      hal.gpio_write(pin, 0);
      hal.gpio_mode(pin, 1);
    }
  }
  return {
    drive(this: void, index: number, on: boolean, discharge: boolean): void {
      const { switch_pin, discharge_pin } = of(index);
      hal.gpio_write(on ? discharge_pin : switch_pin, 0);
      hal.gpio_write(switch_pin, on ? 1 : 0);
      hal.gpio_write(discharge_pin, discharge ? 1 : 0);
    },
    switched(this: void, index: number): number {
      return hal.gpio_read(of(index).switch_pin);
    },
    reset(this: void, index: number, level: number): void {
      hal.gpio_write(of(index).reset_pin, level);
    },
    asserted(this: void, index: number): number {
      return hal.gpio_read(of(index).reset_pin);
    },
  };
}
