/** What a login may leave on the broker for those who come later. */
export interface Retention {
  /** Whether a message may stay under a topic at all. */
  allows(topic: string): boolean;
  /** Topics that may have one, and bytes of all of them with their topics. */
  topics: number;
  bytes: number;
}

/** Keeps what stays on a broker bounded: it would stay for as long as the broker runs, whether its sender lives or not. */
export class RetainedLimit {
  private readonly retention: Retention;
  private readonly sizes = new Map<string, number>();
  private bytes = 0;

  constructor(retention: Retention) {
    this.retention = retention;
  }

  /** Takes a retained message of so many bytes, 0 for one that clears its topic. Returns why it may not stay, or undefined. */
  refusal(topic: string, payload_bytes: number): string | undefined {
    const { retention, sizes } = this;
    if (!retention.allows(topic)) return "nothing may stay there";
    const before = sizes.get(topic) ?? 0;
    if (payload_bytes === 0) {
      sizes.delete(topic);
      this.bytes -= before;
      return undefined;
    }
    if (before === 0 && sizes.size >= retention.topics) return `${retention.topics} topics have one already`;
    const size = Buffer.byteLength(topic) + payload_bytes;
    if (this.bytes - before + size > retention.bytes) return `more than ${retention.bytes} bytes would stay`;
    sizes.set(topic, size);
    this.bytes += size - before;
    return undefined;
  }
}
