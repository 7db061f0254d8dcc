/** A chain of 74HC595 registers: shift clock and latch clock act on rising edges, outputs are gated by /OE. */
export interface Hc595Chain {
  /** Levels of the three input pins after a change of one of them. */
  pins(data: number, clock: number, latch: number): void;
  /** Output of a bit as the circuits behind it see it: 0 while the outputs are disabled (pull-downs). */
  output(bit: number): 0 | 1;
  outputsEnabled: boolean;
  /** Outputs that are broken, and the level at which they are stuck. */
  stuck: Map<number, 0 | 1>;
  /**
   * The supply was away: registers hold anything, here ones, which would do the most harm. The one-shot that the latch clock
   * keeps alive has ended too, so that the outputs are disabled until the next latch.
   */
  powerUp(): void;
  onLatch?: () => void;
}

export function createHc595Chain(bits: number): Hc595Chain {
  const shift: number[] = new Array(bits).fill(0);
  let latched: number[] = new Array(bits).fill(0);
  let lastClock = 0;
  let lastLatch = 0;
  const chain: Hc595Chain = {
    outputsEnabled: true,
    stuck: new Map(),
    powerUp() {
      shift.fill(1);
      latched.fill(1);
      chain.outputsEnabled = false;
    },
    pins(data, clock, latch) {
      if (clock === 1 && lastClock === 0) {
        shift.unshift(data);
        shift.pop();
      }
      if (latch === 1 && lastLatch === 0) {
        latched = [...shift];
        chain.onLatch?.();
      }
      lastClock = clock;
      lastLatch = latch;
    },
    output: (bit) => chain.stuck.get(bit) ?? (chain.outputsEnabled && latched[bit] === 1 ? 1 : 0),
  };
  return chain;
}
