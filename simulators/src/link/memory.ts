/** The host's end of a link, as the supervisor opens it. */
export interface ByteTransport {
  readonly name: string;
  open(handlers: { onBytes(chunk: Uint8Array): void; onClose(reason: string): void }): Promise<void>;
  write(bytes: Uint8Array): void;
  room(): number;
  close(): Promise<void>;
}

/** The board's end of a link in memory. */
export interface BoardEnd {
  /** Bytes that the host has sent since the last call, as a latin1 string; undefined when there are none. */
  take(): string | undefined;
  write(bytes: string): void;
  room(): number;
}

/** Bytes that a direction holds before it is full; a real port's driver buffers about this much. */
const CAPACITY = 65_536;

/** A byte pipe in memory. Delivery to the host is asynchronous, as with every real transport. */
export function createMemoryLink(name: string): { transport: ByteTransport; board: BoardEnd } {
  let toBoard: string[] = [];
  let toHost: string[] = [];
  let queued = 0;
  let scheduled = false;
  let handlers: Parameters<ByteTransport["open"]>[0] | undefined;

  function deliver(): void {
    scheduled = false;
    const bytes = toHost.join("");
    toHost = [];
    queued = 0;
    handlers?.onBytes(Buffer.from(bytes, "latin1"));
  }

  return {
    transport: {
      name,
      async open(next) {
        handlers = next;
        toHost = [];
        toBoard = [];
      },
      write(bytes) {
        if (handlers !== undefined) toBoard.push(Buffer.from(bytes).toString("latin1"));
      },
      room: () => CAPACITY,
      async close() {
        handlers = undefined;
      },
    },
    board: {
      take() {
        if (toBoard.length === 0) return undefined;
        const bytes = toBoard.join("");
        toBoard = [];
        return bytes;
      },
      write(bytes) {
        if (handlers === undefined) return;
        toHost.push(bytes);
        queued += bytes.length;
        if (scheduled) return;
        scheduled = true;
        setImmediate(deliver);
      },
      room: () => (handlers === undefined ? 0 : CAPACITY - queued),
    },
  };
}
