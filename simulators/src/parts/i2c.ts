/** A part on an I2C bus. The bus hands it whole transfers; undefined means that it does not acknowledge. */
export interface I2cPart {
  /** Takes written bytes; false for no acknowledgement. `now_us` is the time at the start of the transfer. */
  write(bytes: Uint8Array, now_us: number): boolean;
  read(count: number, now_us: number): Uint8Array;
}

/** An I2C bus: address to part. An address without a part does not acknowledge. */
export interface I2cBus {
  parts: Map<number, I2cPart>;
  /** Time that one byte with its acknowledgement takes. */
  byte_us: number;
  transfer(address: number, write: Uint8Array, read: number, now_us: number): Uint8Array | undefined;
}

export function createI2cBus(clock_hz: number): I2cBus {
  const parts = new Map<number, I2cPart>();
  return {
    parts,
    byte_us: 9e6 / clock_hz,
    transfer(address, write, read, now_us) {
      const part = parts.get(address);
      if (part === undefined || (write.length > 0 && !part.write(write, now_us))) return undefined;
      return read > 0 ? part.read(read, now_us) : new Uint8Array(0);
    },
  };
}
