import { type BoardSession, Outcome } from "@mltb/protocol";
import { idiv, wrapDiff } from "#platform";
import type { Outputs } from "./outputs.ts";

interface Pulse {
  tag: number;
  /** Device time at which the line was asserted, and how long it stays so; 0 while no pulse runs. */
  started_us: number;
  length_us: number;
}

export interface Reset {
  /** Asserts the line for at least `pulse_ms`. */
  pulse(this: void, index: number, pulse_ms: number, tag: number): void;
  /** Asserts the line until it is released. */
  hold(this: void, index: number, level: number, tag: number): void;
  tick(this: void): void;
  /** No pulse is under way. */
  quiet(this: void): boolean;
  dueIn(this: void, limit: number): number;
}

/** Reset lines of the targets: asserted for the length of a pulse, then released. */
export function createReset(hal: Hal, channels: number, outputs: Outputs, session: () => BoardSession): Reset {
  const pulses: Pulse[] = [];
  /** Pulses under way. */
  let running = 0;
  for (let i = 0; i < channels; i += 1) pulses.push({ tag: 0, started_us: 0, length_us: 0 });

  function held_us(pulse: Pulse): number {
    return wrapDiff(hal.ticks_us(), pulse.started_us);
  }

  function answer(index: number, outcome: number): void {
    const pulse = pulses[index] as Pulse;
    if (pulse.tag === 0) return;
    const tag = pulse.tag;
    pulse.tag = 0;
    session().answer(tag, "reset_answer", {
      channel: index + 1,
      outcome,
      held_ms: idiv(held_us(pulse), 1000),
      reset_asserted: outputs.asserted(index),
    });
  }

  return {
    pulse(this: void, index: number, pulse_ms: number, tag: number): void {
      answer(index, Outcome.superseded);
      const pulse = pulses[index] as Pulse;
      pulse.tag = tag;
      if (pulse.length_us === 0) running += 1;
      pulse.length_us = pulse_ms * 1000;
      outputs.reset(index, 1);
      pulse.started_us = hal.ticks_us();
    },
    hold(this: void, index: number, level: number, tag: number): void {
      answer(index, Outcome.superseded);
      const pulse = pulses[index] as Pulse;
      if (pulse.length_us !== 0) running -= 1;
      pulse.length_us = 0;
      outputs.reset(index, level);
      pulse.tag = tag;
      pulse.started_us = hal.ticks_us();
      answer(index, outputs.asserted(index) === level ? Outcome.done : Outcome.not_confirmed);
    },
    tick(this: void): void {
      if (running === 0) return;
      for (let i = 0; i < pulses.length; i += 1) {
        const pulse = pulses[i] as Pulse;
        // A channel that was switched off has let go of its line.
        if (outputs.asserted(i) === 0) answer(i, Outcome.superseded);
        if (pulse.length_us === 0 || held_us(pulse) < pulse.length_us) continue;
        outputs.reset(i, 0);
        answer(i, Outcome.done);
        pulse.length_us = 0;
        running -= 1;
      }
    },
    quiet(this: void): boolean {
      return running === 0;
    },
    dueIn(this: void, limit: number): number {
      let wait = limit;
      if (running === 0) return wait;
      for (const pulse of pulses) {
        if (pulse.length_us === 0) continue;
        const due = idiv(pulse.length_us - held_us(pulse) + 999, 1000);
        if (due < wait) wait = due;
      }
      return wait;
    },
  };
}
