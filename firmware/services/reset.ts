import type { MonitoringBoard } from "@mltb/hardware";
import { type BoardSession, Outcome } from "@mltb/protocol";
import type { Chain } from "../drivers/hc595.ts";

interface Pulse {
  tag: number;
  started_ms: number;
  until_ms: number;
}

export interface Reset {
  pulse(this: void, index: number, pulse_ms: number, tag: number, now_ms: number): void;
  asserted(this: void, index: number): number;
  tick(this: void, now_ms: number): void;
  dueIn(this: void, now_ms: number, limit: number): number;
}

/** Reset lines of the targets: asserted through the output chain for the length of a pulse, then released. */
export function createReset(board: MonitoringBoard, chain: Chain, session: () => BoardSession): Reset {
  const pulses: Pulse[] = [];
  for (let i = 0; i < board.channels.length; i += 1) pulses.push({ tag: 0, started_ms: 0, until_ms: -1 });

  function drive(index: number, level: number): void {
    chain.set((board.channels[index] as { reset_bit: number }).reset_bit, level);
    chain.write();
  }

  function asserted(index: number): number {
    return chain.get((board.channels[index] as { reset_bit: number }).reset_bit);
  }

  function answer(index: number, outcome: number, now_ms: number): void {
    const pulse = pulses[index] as Pulse;
    if (pulse.tag === 0) return;
    const tag = pulse.tag;
    pulse.tag = 0;
    session().answer(tag, "reset_answer", {
      channel: index + 1,
      outcome,
      held_ms: now_ms - pulse.started_ms,
      reset_asserted: asserted(index),
    });
  }

  return {
    pulse(this: void, index: number, pulse_ms: number, tag: number, now_ms: number): void {
      answer(index, Outcome.superseded, now_ms);
      const pulse = pulses[index] as Pulse;
      pulse.tag = tag;
      pulse.started_ms = now_ms;
      pulse.until_ms = now_ms + pulse_ms;
      drive(index, 1);
    },
    asserted,
    tick(this: void, now_ms: number): void {
      for (let i = 0; i < pulses.length; i += 1) {
        const pulse = pulses[i] as Pulse;
        if (pulse.until_ms < 0 || now_ms < pulse.until_ms) continue;
        pulse.until_ms = -1;
        drive(i, 0);
        answer(i, Outcome.done, now_ms);
      }
    },
    dueIn(this: void, now_ms: number, limit: number): number {
      let wait = limit;
      for (const pulse of pulses) {
        if (pulse.until_ms >= 0 && pulse.until_ms - now_ms < wait) wait = pulse.until_ms - now_ms;
      }
      return wait;
    },
  };
}
