/** Values that outlive restarts, each with a checksum of its own, whichever part carries them. */
export interface Storage {
  /** The value; empty where there is none, undefined where it does not match its checksum. */
  get(this: void, key: string): string | undefined;
  /** False where it could not be kept. */
  set(this: void, key: string, value: string): boolean;
}

/** What carries the values: the store in flash, or another part with the same two functions. */
export interface Carrier {
  read(this: void, key: string): string;
  write(this: void, key: string, value: string): boolean;
}

const SUM = "<I2";
const SUM_BYTES = 2;

/** Storage over a carrier; the checksum is the wire's CRC-16 over key and value. */
export function createStorage(carrier: Carrier, crc: (this: void, bytes: string, init: number) => number): Storage {
  const sum = (key: string, value: string): string => string.pack(SUM, crc(key + value, 65535));
  return {
    get(this: void, key: string): string | undefined {
      const bytes = carrier.read(key);
      if (bytes === "") return "";
      const value = string.sub(bytes, 1, -1 - SUM_BYTES);
      return bytes === value + sum(key, value) ? value : undefined;
    },
    set(this: void, key: string, value: string): boolean {
      return carrier.write(key, value === "" ? "" : value + sum(key, value));
    },
  };
}
