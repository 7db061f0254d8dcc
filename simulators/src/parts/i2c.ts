/** A part on an I2C bus, byte by byte as the wire carries them. Times are microseconds of the world. */
export interface I2cPart {
  /** Addressed for writing or, after a start or repeated start, for reading; false for no acknowledgement. */
  addressed(reading: boolean, now_us: number): boolean;
  /** Takes a written byte; false for no acknowledgement. `now_us` is the time of its acknowledgement. */
  writeByte(value: number, now_us: number): boolean;
  readByte(now_us: number): number;
}

/** An I2C bus: address to part. An address without a part does not acknowledge. */
export interface I2cBus {
  parts: Map<number, I2cPart>;
  /** Time that one byte with its acknowledgement takes. */
  byte_us: number;
  /** A write and, after a repeated start, a read; undefined when something was not acknowledged. */
  transfer(address: number, write: Uint8Array, read: number, now_us: number): Uint8Array | undefined;
}

export function createI2cBus(clock_hz: number): I2cBus {
  const parts = new Map<number, I2cPart>();
  const byte_us = 9e6 / clock_hz;
  return {
    parts,
    byte_us,
    transfer(address, write, read, now_us) {
      const part = parts.get(address);
      if (part === undefined) return undefined;
      let time = now_us;
      const next = (): number => {
        time += byte_us;
        return time;
      };
      if (write.length > 0 || read === 0) {
        if (!part.addressed(false, next())) return undefined;
        for (const value of write) if (!part.writeByte(value, next())) return undefined;
      }
      if (read === 0) return new Uint8Array(0);
      if (!part.addressed(true, next())) return undefined;
      return Uint8Array.from({ length: read }, () => part.readByte(next()));
    },
  };
}
