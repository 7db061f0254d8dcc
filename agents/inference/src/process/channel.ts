import type { Socket } from "node:net";

/** Bytes before a frame: length of the JSON header and of the body, uint32 little endian each. */
const PREFIX = 8;
/** Parts of a body begin at multiples of this, so that they can be viewed as any typed array without a copy. */
const ALIGN = 8;
/** Frames up to this size are copied together: one write costs less than several small ones. */
const SMALL = 64 * 1024;

const padding = new Uint8Array(ALIGN);

function padded(length: number): number {
  return Math.ceil(length / ALIGN) * ALIGN;
}

/** Cuts a body into its parts by their lengths. */
export function bodyParts(body: Uint8Array, lengths: readonly number[]): Uint8Array[] {
  let at = 0;
  return lengths.map((length) => {
    const part = body.subarray(at, at + length);
    at += padded(length);
    return part;
  });
}

/**
 * Frames over a socket pair: a JSON header and a body of raw tensors. The same layout is spoken by the Python child of the
 * LiteRT runtime (`runtimes/litert.py`).
 */
export class Channel {
  private readonly socket: Socket;
  private readonly onFrame: (header: unknown, body: Uint8Array) => void;
  private readonly head = Buffer.alloc(PREFIX);
  private headLength = 0;
  /** Header and body of the frame that is coming in, in a buffer of their own each. */
  private frame: { header: Buffer; body: Buffer; got: number } | undefined;

  constructor(socket: Socket, onFrame: (header: unknown, body: Uint8Array) => void) {
    this.socket = socket;
    this.onFrame = onFrame;
    socket.on("data", (chunk: Buffer) => this.take(chunk));
  }

  /** Sends a frame; large `parts` leave without being copied, so they must not change before they have gone. */
  send(header: object, parts: readonly Uint8Array[] = []): void {
    const text = Buffer.from(JSON.stringify(header));
    const size = parts.reduce((sum, part) => sum + padded(part.length), 0);
    const small = size <= SMALL;
    // Zeroed: what lies in the pool is none of a model's business.
    const frame = Buffer.alloc(PREFIX + text.length + (small ? size : 0));
    frame.writeUInt32LE(text.length, 0);
    frame.writeUInt32LE(size, 4);
    frame.set(text, PREFIX);
    if (small) {
      let at = PREFIX + text.length;
      for (const part of parts) {
        frame.set(part, at);
        at += padded(part.length);
      }
      this.socket.write(frame);
      return;
    }
    this.socket.cork();
    this.socket.write(frame);
    for (const part of parts) {
      this.socket.write(part);
      const rest = padded(part.length) - part.length;
      if (rest > 0) this.socket.write(padding.subarray(0, rest));
    }
    this.socket.uncork();
  }

  private take(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.frame === undefined) {
        const wanted = Math.min(PREFIX - this.headLength, chunk.length - at);
        chunk.copy(this.head, this.headLength, at, at + wanted);
        this.headLength += wanted;
        at += wanted;
        if (this.headLength < PREFIX) return;
        this.headLength = 0;
        const [header, body] = [this.head.readUInt32LE(0), this.head.readUInt32LE(4)];
        this.frame = { header: Buffer.allocUnsafe(header), body: Buffer.allocUnsafeSlow(body), got: 0 };
      }
      const { header, body, got } = this.frame;
      const inHeader = got < header.length;
      const target = inHeader ? header : body;
      const start = inHeader ? got : got - header.length;
      const take = Math.min(target.length - start, chunk.length - at);
      chunk.copy(target, start, at, at + take);
      at += take;
      this.frame.got += take;
      if (this.frame.got === header.length + body.length) {
        this.frame = undefined;
        this.onFrame(JSON.parse(header.toString()), body);
      }
    }
  }
}
