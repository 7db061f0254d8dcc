/** Switch, discharge and reset line of every channel, however a board drives them. Channels count from 0. */
export interface Outputs {
  /** Drives switch and discharge resistor; the two never conduct together, not even while they change. */
  drive(this: void, index: number, on: boolean, discharge: boolean): void;
  /** The switch's level, read back where the board can: 0 open, 1 closed, 2 where the part that tells it does not answer. */
  switched(this: void, index: number): number;
  reset(this: void, index: number, level: number): void;
  asserted(this: void, index: number): number;
}
