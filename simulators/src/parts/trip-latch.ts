/**
 * Trip latch between the output chain and a channel's switch: half a 74HC74, whose clear input hangs on the monitor's alert
 * and whose preset input on the switch's output of the chain, and an AND gate of its output with the latter. Both inputs
 * count by their level:
 *
 * | output | alert | latch | gate |
 * |---|---|---|---|
 * | low | any | armed | low |
 * | high | released | as it was | high where it is armed |
 * | high | asserted | cleared | low, until the output was low and the alert is released |
 */
export interface TripLatch {
  /** What the switch's gate gets; to be asked at every change of the chain's output or of the alert. */
  gate(output: 0 | 1, asserted: boolean): 0 | 1;
}

export function createTripLatch(): TripLatch {
  let armed = true;
  return {
    gate(output, asserted) {
      if (output === 0) armed = true;
      else if (asserted) armed = false;
      return output === 1 && armed ? 1 : 0;
    },
  };
}
