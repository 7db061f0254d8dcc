/** What a link tells its user. */
export interface TransportHandlers {
  onBytes(chunk: Uint8Array): void;
  /** Once for each opening that succeeded, unless `close` ended it. */
  onClose(reason: string): void;
  /** The port is there and is being opened; a link without ports says so by opening. */
  onFound?(where: string): void;
}

/** A byte transport to a board: serial port, TCP, or memory (simulators). */
export interface ByteTransport {
  /** `memory:rack1`, `usb 1209:0001 serial ABC`, `tcp host:4000`. Never a path that the system gave. */
  readonly name: string;
  /** Rejects with `PortError` or another error when it cannot be opened now. */
  open(handlers: TransportHandlers): Promise<void>;
  write(bytes: Uint8Array): void;
  /** Bytes that can be queued without blocking. */
  room(): number;
  /** Idempotent. */
  close(): Promise<void>;
  /** Told when opening may succeed now; returns the end of it. Links without such news are tried again by time. */
  onAvailable?(listener: () => void): () => void;
}

/** Why a port cannot be opened. `absent`: there is none; anything else is worth a word to the user. */
export type PortProblem = "absent" | "denied" | "in-use" | "failed";

/** A port that could not be opened, with what to do about it. */
export class PortError extends Error {
  readonly problem: PortProblem;

  constructor(problem: PortProblem, message: string) {
    super(message);
    this.problem = problem;
  }
}

export function isPortError(error: unknown): error is PortError {
  return error instanceof PortError;
}
