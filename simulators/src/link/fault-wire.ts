import { random } from "../world/random.ts";

/** What a wire does to the bytes on it. Shares are probabilities of each byte. */
export interface WireFaults {
  /** One bit of the byte is flipped. */
  flip?: number;
  drop?: number;
  duplicate?: number;
  /** Writes are cut into pieces of at most this many bytes, at seeded places. */
  split_bytes?: number;
  /** Time on the wire. */
  delay_us?: number;
  /** Bits a second, ten for a byte; without it bytes take no time. */
  baud?: number;
}

/** One direction of a faulty wire, in virtual time. */
export interface FaultWire {
  /** Bytes in, as a latin1 string. */
  send(bytes: string, now_us: number): void;
  /** What has arrived by now, in the pieces in which it arrived. */
  receive(now_us: number): string[];
  /** While it is cut, bytes are lost on both sides of the cut. */
  cut: boolean;
  /** Bytes of each fate. */
  counters: { sent: number; flipped: number; dropped: number; duplicated: number; lost_in_cut: number };
}

/** A wire with seeded faults: the same seed and the same bytes give the same faults. */
export function createFaultWire(faults: WireFaults, seed: number): FaultWire {
  const source = random(seed);
  const shares = (faults.flip ?? 0) + (faults.drop ?? 0) + (faults.duplicate ?? 0);
  const queue: { bytes: string; at_us: number }[] = [];
  let free_us = 0;
  /** Bytes until the next fault, so that good ones cost nothing. */
  let until = gap();

  function gap(): number {
    return shares === 0 ? Number.POSITIVE_INFINITY : Math.floor(Math.log(1 - source.uniform()) / Math.log(1 - shares));
  }

  function spoil(byte: number): string {
    const which = source.uniform() * shares;
    if (which < (faults.flip ?? 0)) {
      wire.counters.flipped += 1;
      return String.fromCharCode(byte ^ (1 << Math.floor(source.uniform() * 8)));
    }
    if (which < (faults.flip ?? 0) + (faults.drop ?? 0)) {
      wire.counters.dropped += 1;
      return "";
    }
    wire.counters.duplicated += 1;
    return String.fromCharCode(byte, byte);
  }

  function damaged(bytes: string): string {
    let out = "";
    let from = 0;
    while (until < bytes.length - from) {
      const at = from + until;
      out += bytes.slice(from, at) + spoil(bytes.charCodeAt(at));
      from = at + 1;
      until = gap();
    }
    until -= bytes.length - from;
    return from === 0 ? bytes : out + bytes.slice(from);
  }

  const wire: FaultWire = {
    cut: false,
    counters: { sent: 0, flipped: 0, dropped: 0, duplicated: 0, lost_in_cut: 0 },
    send(bytes, now_us) {
      wire.counters.sent += bytes.length;
      if (wire.cut) {
        wire.counters.lost_in_cut += bytes.length;
        return;
      }
      const all = damaged(bytes);
      const piece = faults.split_bytes ?? all.length;
      for (let at = 0; at < all.length; ) {
        const size = faults.split_bytes === undefined ? piece : 1 + Math.floor(source.uniform() * piece);
        const part = all.slice(at, at + size);
        at += size;
        free_us = Math.max(free_us, now_us) + (faults.baud === undefined ? 0 : (part.length * 10e6) / faults.baud);
        queue.push({ bytes: part, at_us: free_us + (faults.delay_us ?? 0) });
      }
    },
    receive(now_us) {
      const arrived: string[] = [];
      while (queue[0] !== undefined && queue[0].at_us <= now_us) {
        const { bytes } = queue.shift() as { bytes: string };
        if (wire.cut) wire.counters.lost_in_cut += bytes.length;
        else arrived.push(bytes);
      }
      return arrived;
    },
  };
  return wire;
}
