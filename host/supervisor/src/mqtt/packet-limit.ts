/** Longest first packet of a connection, which nobody has signed: a CONNECT with names, password and will. */
export const CONNECT_BYTES = 4096;
/** Longest packet afterwards. A command has 16 kB at most. */
export const PACKET_BYTES = 65_536;

/**
 * Follows the packets of a connection by their fixed headers (MQTT 3.1.1, 2.2) and tells of the first that announces more
 * than it may have, before any of it is kept. A broker that parses for itself would wait for 256 MB.
 */
export class PacketLimit {
  private first = true;
  /** Bytes of the packet's body that are still to come; below zero inside a fixed header. */
  private left = -1;
  private length = 0;
  /** Bytes of the header so far, and what the next digit of the length counts. */
  private header = 0;
  private scale = 1;

  /** Takes what came next; false when a packet is too long, or its length is none. */
  take(chunk: Uint8Array): boolean {
    for (let at = 0; at < chunk.length; ) {
      if (this.left >= 0) {
        const step = Math.min(this.left, chunk.length - at);
        at += step;
        this.left -= step;
        if (this.left === 0) this.next();
        continue;
      }
      const byte = chunk[at] as number;
      at += 1;
      this.header += 1;
      if (this.header === 1) continue;
      this.length += (byte & 0x7f) * this.scale;
      this.scale *= 128;
      if (this.length > (this.first ? CONNECT_BYTES : PACKET_BYTES)) return false;
      if (byte >= 0x80) {
        if (this.header === 5) return false;
        continue;
      }
      this.left = this.length;
      if (this.left === 0) this.next();
    }
    return true;
  }

  private next(): void {
    this.first = false;
    this.left = -1;
    this.length = 0;
    this.header = 0;
    this.scale = 1;
  }
}
