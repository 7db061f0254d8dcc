/** A part on an I2C bus, byte by byte as the wire carries them. Times are microseconds of the world. */
export interface I2cPart {
  /** Addressed for writing or, after a start or repeated start, for reading; false for no acknowledgement. */
  addressed(reading: boolean, now_us: number): boolean;
  /** Takes a written byte; false for no acknowledgement. `now_us` is the time of its acknowledgement. */
  writeByte(value: number, now_us: number): boolean;
  readByte(now_us: number): number;
  /** The transfer that it took part in has ended. */
  stopped?(now_us: number): void;
}

/** What holds a bus: a part that waits for clocks with its data line low, or a line shorted to ground. */
export interface BusHold {
  /** Clocks after which a part lets go of SDA; `Infinity` for a line that is shorted. */
  sda_clocks: number;
  /** SCL is low: nothing can be clocked out. */
  scl: boolean;
}

/** An I2C bus: address to part. An address without a part does not acknowledge. */
export interface I2cBus {
  parts: Map<number, I2cPart>;
  /** Time that one byte with its acknowledgement takes. */
  byte_us: number;
  /** What holds the bus at this moment; nothing by default. */
  hold: BusHold;
  /** A held bus carries nothing. */
  held(): boolean;
  /** A pulse of SCL by hand: a part that waits for clocks goes on. Gives the level of SDA after it. */
  pulse(): 0 | 1;
  /**
   * A write and, after a repeated start, a read; undefined when something was not acknowledged. Whoever calls has seen to
   * it that the bus is not held.
   */
  transfer(address: number, write: Uint8Array, read: number, now_us: number): Uint8Array | undefined;
}

export function createI2cBus(clock_hz: number): I2cBus {
  const parts = new Map<number, I2cPart>();
  const byte_us = 9e6 / clock_hz;
  const bus: I2cBus = {
    parts,
    byte_us,
    hold: { sda_clocks: 0, scl: false },
    held: () => bus.hold.scl || bus.hold.sda_clocks > 0,
    pulse() {
      if (!bus.hold.scl && bus.hold.sda_clocks > 0) bus.hold.sda_clocks -= 1;
      return bus.hold.sda_clocks > 0 ? 0 : 1;
    },
    transfer(address, write, read, now_us) {
      const part = parts.get(address);
      if (part === undefined || bus.held()) return undefined;
      let time = now_us;
      const next = (): number => {
        time += byte_us;
        return time;
      };
      const end = (answer: Uint8Array | undefined): Uint8Array | undefined => {
        part.stopped?.(time);
        return answer;
      };
      if (write.length > 0 || read === 0) {
        if (!part.addressed(false, next())) return end(undefined);
        for (const value of write) if (!part.writeByte(value, next())) return end(undefined);
      }
      if (read === 0) return end(new Uint8Array(0));
      if (!part.addressed(true, next())) return end(undefined);
      return end(Uint8Array.from({ length: read }, () => part.readByte(next())));
    },
  };
  return bus;
}
