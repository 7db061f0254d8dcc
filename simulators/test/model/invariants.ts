import type { MonitoringRung } from "../bench.ts";
import { isQuick } from "./physics.ts";
import type { RackModel } from "./rack.ts";

/** Looks at every change of the outputs, whatever the model of the channels says. */
export interface Invariants {
  /** What was broken first, once. */
  broken(): string | undefined;
  /** The board has begun anew, and knows of no switch that it closed. */
  forget(): void;
}

/** What must hold at every latch of the output chain. */
export function createInvariants(rung: MonitoringRung, rack: RackModel, now_ms: () => number): Invariants {
  const { board, chain } = rung.electronics;
  let problem: string | undefined;
  let before = board.channels.map(() => 0);
  let closed_ms = Number.NEGATIVE_INFINITY;

  function judge(levels: number[]): string | undefined {
    const closing = levels.flatMap((level, i) => (level === 1 && before[i] === 0 ? [i] : []));
    for (const [i, channel] of board.channels.entries()) {
      const name = `channel ${i + 1}`;
      if (levels[i] === 1 && chain.output(channel.discharge_bit) === 1) return `${name} conducts through its resistor`;
      // Where hardware has opened the switch the line follows when firmware knows of it.
      const quick = isQuick(rack.channels[i]?.physics);
      if (levels[i] === 0 && chain.output(channel.reset_bit) === 1 && !quick)
        return `${name} has its reset driven without power`;
    }
    for (const i of closing) {
      const group = rack.channels[i]?.settings.interlock ?? 0;
      const other = rack.channels.findIndex((c, j) => j !== i && levels[j] === 1 && c.settings.interlock === group);
      if (group > 0 && other >= 0) return `channels ${i + 1} and ${other + 1} of group ${group} are closed`;
    }
    if (closing.length === 0) return undefined;
    const sum = rack.channels.reduce((ma, c, i) => ma + (levels[i] === 1 ? c.limits.slow_ma : 0), 0);
    if (rack.budget_ma > 0 && sum > rack.budget_ma) return `${sum} mA of ${rack.budget_ma} mA are switched on`;
    const apart = now_ms() - closed_ms;
    const least = rack.stagger_least_ms - 3;
    closed_ms = now_ms();
    // Of a change that is under way either side may be in force.
    rack.stagger_least_ms = Math.min(rack.stagger_ms, rack.stagger_asked_ms ?? rack.stagger_ms);
    return apart < least ? `switches closed ${apart} ms apart instead of ${rack.stagger_ms} ms` : undefined;
  }

  const latched = chain.onLatch;
  chain.onLatch = () => {
    latched?.();
    const levels = board.channels.map(({ switch_bit }) => chain.output(switch_bit) as number);
    problem ??= judge(levels);
    before = levels;
  };
  return {
    forget() {
      closed_ms = Number.NEGATIVE_INFINITY;
    },
    broken() {
      const found = problem;
      problem = undefined;
      return found;
    },
  };
}
