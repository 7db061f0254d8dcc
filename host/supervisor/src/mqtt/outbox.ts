/** A message on its way to the broker. */
export interface Outgoing {
  topic: string;
  payload: string;
  retain: boolean;
  qos: 0 | 1;
}

/**
 * What waits while the broker is away or slow, bounded: of a state (retained) the newest alone, answers and events of
 * QoS 1 in their order, the oldest going first when there are too many; events of QoS 0 do not wait. Everything that is
 * not sent is counted.
 */
export class Outbox {
  readonly counters = { coalesced: 0, dropped: 0 };
  private readonly limit: number;
  private readonly states = new Map<string, Outgoing>();
  private queue: Outgoing[] = [];

  constructor(limit: number) {
    this.limit = limit;
  }

  size(): number {
    return this.states.size + this.queue.length;
  }

  put(message: Outgoing): void {
    if (message.retain) {
      if (this.states.delete(message.topic)) this.counters.coalesced += 1;
      this.states.set(message.topic, message);
    } else if (message.qos === 1) {
      this.queue.push(message);
      if (this.queue.length > this.limit) {
        this.queue.shift();
        this.counters.dropped += 1;
      }
    } else {
      this.counters.dropped += 1;
    }
  }

  /** The next message: answers and events before states. */
  take(): Outgoing | undefined {
    const next = this.queue.shift();
    if (next !== undefined) return next;
    const [first] = this.states;
    if (first !== undefined) this.states.delete(first[0]);
    return first?.[1];
  }
}
