/**
 * Trip latch between the output chain and a channel's switch: a set-reset flip-flop (half a 74HC74: preset from the
 * monitor's alert, clear from the switch's output of the chain) and an AND gate. Its truth table:
 *
 * | output | alert | latch | gate |
 * |---|---|---|---|
 * | low | any | cleared | low |
 * | high | none since it went high | clear | high |
 * | high | one since it went high | set | low, until the output was low |
 */
export interface TripLatch {
  /** The monitor's alert has fallen. */
  set(): void;
  /** What the switch's gate gets for this output of the chain. */
  gate(output: 0 | 1): 0 | 1;
}

export function createTripLatch(): TripLatch {
  let tripped = false;
  return {
    set() {
      tripped = true;
    },
    gate(output) {
      if (output === 0) tripped = false;
      return output === 1 && !tripped ? 1 : 0;
    },
  };
}
