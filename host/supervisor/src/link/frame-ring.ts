/** Bytes that a link keeps of what went over it. */
const CAPACITY_BYTES = 256 * 1024;

/** A piece of what went over a link: `rx` is from the board. */
export interface Piece {
  /** Milliseconds of this process's monotonic clock. */
  at_ms: number;
  direction: "rx" | "tx";
  bytes: Uint8Array;
}

/** The last bytes of a link in both directions, as they came; older ones give way and are counted. */
export class FrameRing {
  /** Bytes that gave way. */
  dropped_bytes = 0;
  private pieces: Piece[] = [];
  private head = 0;
  private held = 0;
  private readonly capacity: number;

  constructor(capacity = CAPACITY_BYTES) {
    this.capacity = capacity;
  }

  /** Keeps a piece; the bytes must not change afterwards. */
  push(direction: Piece["direction"], bytes: Uint8Array, at_ms: number): void {
    this.pieces.push({ at_ms, direction, bytes });
    this.held += bytes.length;
    while (this.held > this.capacity && this.head < this.pieces.length) {
      const { length } = (this.pieces[this.head] as Piece).bytes;
      this.held -= length;
      this.dropped_bytes += length;
      this.head += 1;
    }
    // The array is cut once half of it is gone, so that a piece costs the same however long the ring is.
    if (this.head > 64 && this.head * 2 > this.pieces.length) {
      this.pieces = this.pieces.slice(this.head);
      this.head = 0;
    }
  }

  list(): Piece[] {
    return this.pieces.slice(this.head);
  }
}
