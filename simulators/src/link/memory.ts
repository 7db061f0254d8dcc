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
  /** Bytes of the host that found no room, and bytes of the board that nobody took. */
  dropped?: { received: number; sent: number };
}

/** Bytes that a direction holds before it is full; a real port's driver buffers about this much. */
const CAPACITY = 65_536;

/** A byte pipe in memory. */
export interface MemoryLink {
  transport: ByteTransport;
  board: BoardEnd;
  /** Pulls the cable: the host's end closes, and cannot be opened until it is restored. */
  cut(): void;
  restore(): void;
}

/** Delivery to the host is asynchronous, as with every real transport. */
export function createMemoryLink(name: string): MemoryLink {
  let toBoard: string[] = [];
  let toHost: string[] = [];
  let queued = 0;
  let waiting = 0;
  const dropped = { received: 0, sent: 0 };
  let scheduled = false;
  let isCut = false;
  let handlers: Parameters<ByteTransport["open"]>[0] | undefined;

  function deliver(): void {
    scheduled = false;
    const bytes = toHost.join("");
    toHost = [];
    queued = 0;
    handlers?.onBytes(Buffer.from(bytes, "latin1"));
  }

  /** What was under way when the cable was pulled is lost on it, as with a real one. */
  function clear(): void {
    toHost = [];
    toBoard = [];
    queued = 0;
    waiting = 0;
  }

  return {
    cut() {
      isCut = true;
      const before = handlers;
      handlers = undefined;
      clear();
      before?.onClose("the link was cut");
    },
    restore() {
      isCut = false;
    },
    transport: {
      name,
      async open(next) {
        if (isCut) throw new Error("the link is cut");
        handlers = next;
        clear();
      },
      write(bytes) {
        if (handlers === undefined) return;
        const taken = bytes.subarray(0, CAPACITY - waiting);
        dropped.received += bytes.length - taken.length;
        waiting += taken.length;
        toBoard.push(Buffer.from(taken).toString("latin1"));
      },
      room: () => CAPACITY - waiting,
      async close() {
        handlers = undefined;
      },
    },
    board: {
      dropped,
      take() {
        if (toBoard.length === 0) return undefined;
        const bytes = toBoard.join("");
        toBoard = [];
        waiting = 0;
        return bytes;
      },
      write(bytes) {
        if (handlers === undefined) {
          dropped.sent += bytes.length;
          return;
        }
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
