/** A message on its way to the broker. */
export interface Outgoing {
  topic: string;
  payload: string;
  retain: boolean;
  qos: 0 | 1;
  /** The answer to a command: what is accepted must be told the end of. */
  answer?: boolean;
}

/** Takes the oldest out of a set, which keeps the order in which it was filled. */
function oldest(waiting: Set<Outgoing>): Outgoing | undefined {
  const [first] = waiting;
  if (first !== undefined) waiting.delete(first);
  return first;
}

/**
 * What waits while the broker is away or slow, bounded: of a state (retained) the newest alone; answers in their order, of
 * which there are more than commands can be under way; events of QoS 1 in theirs; events of QoS 0 do not wait. Of answers
 * and of events the oldest goes first when there are too many, and neither takes the other's room. Everything that is not
 * sent is counted.
 */
export class Outbox {
  readonly counters = { coalesced: 0, dropped: 0 };
  private readonly states = new Map<string, Outgoing>();
  private readonly answers = new Set<Outgoing>();
  private readonly events = new Set<Outgoing>();
  private readonly limits: { answers: number; events: number };

  /** @param limits of answers and of events, in messages */
  constructor(limits: { answers: number; events: number }) {
    this.limits = limits;
  }

  size(): number {
    return this.states.size + this.answers.size + this.events.size;
  }

  put(message: Outgoing): void {
    if (message.retain) {
      if (this.states.delete(message.topic)) this.counters.coalesced += 1;
      this.states.set(message.topic, message);
    } else if (message.qos === 1) {
      const kind = message.answer === true ? "answers" : "events";
      this[kind].add(message);
      if (this[kind].size > this.limits[kind] && oldest(this[kind]) !== undefined) this.counters.dropped += 1;
    } else {
      this.counters.dropped += 1;
    }
  }

  /** The next message: answers, then events, then states. */
  take(): Outgoing | undefined {
    const next = oldest(this.answers) ?? oldest(this.events);
    if (next !== undefined) return next;
    const [first] = this.states;
    if (first !== undefined) this.states.delete(first[0]);
    return first?.[1];
  }
}
