/** What carries the bytes: a UART ring, a USB endpoint, a serial port, a pipe in memory. */
export interface Carrier {
  /** Sends bytes. Called only with whole frames. */
  write(this: void, bytes: string): void;
  /**
   * Seals and sends a frame whose body is `body` followed by `bulk`, where the runtime does that without making a string
   * of it. Bytes on the wire.
   */
  writeFrame?(
    this: void,
    kind: number,
    seq: number,
    ack: number,
    credit: number,
    id: number,
    tag: number,
    body: string,
    bulk?: string,
  ): number;
  /** Bytes that can be taken without blocking; streams and states wait or drop below their size. */
  room(this: void): number;
}
