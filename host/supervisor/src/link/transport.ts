/** A byte transport to a board. Implementations: serial port here, memory from the simulators. */
export interface ByteTransport {
  /** `memory:rack1`, or a device path. */
  readonly name: string;
  open(handlers: { onBytes(chunk: Uint8Array): void; onClose(reason: string): void }): Promise<void>;
  write(bytes: Uint8Array): void;
  /** Bytes that can be queued without blocking. */
  room(): number;
  /** Idempotent. */
  close(): Promise<void>;
}
