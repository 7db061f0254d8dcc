import type { HostSession } from "@mltb/protocol";

/** Time over which faults are counted, and in which there must be none for the link to be clean again. */
const SPAN_MS = 10_000;
/** Faults in that time that make a link a bad one: a good cable has none in days. */
const FAULTS = 5;

/** Judges a link by damaged blocks and by frames that had to be sent again. */
export interface LinkQuality {
  /** Faults in the last ten seconds. */
  recent(): number;
  /** What the board's lifecycle should hear now; undefined where nothing has changed. */
  judge(now_ms: number): { event: "errors" | "clean"; reason: string } | undefined;
  /** A new session begins without a past. */
  restart(now_ms: number): void;
}

export function createLinkQuality(port: HostSession["port"]): LinkQuality {
  const faults = (): number => {
    const { cobs, short, crc, length, oversize } = port.deframer.counters;
    return cobs + short + crc + length + oversize + port.counters.resent;
  };
  let seen: { at_ms: number; count: number }[] = [];
  let last = 0;
  let bad = false;
  let clean_ms = 0;
  const recent = (): number => seen.reduce((sum, entry) => sum + entry.count, 0);
  return {
    recent,
    judge(now_ms) {
      const count = faults() - last;
      if (count > 0) {
        last += count;
        seen.push({ at_ms: now_ms, count });
        clean_ms = now_ms;
      }
      if (seen.length === 0 && !bad) return undefined;
      seen = seen.filter((entry) => now_ms - entry.at_ms < SPAN_MS);
      if (!bad && recent() >= FAULTS) {
        bad = true;
        return { event: "errors", reason: `${recent()} damaged or repeated frames in ${SPAN_MS / 1000} s` };
      }
      if (bad && now_ms - clean_ms >= SPAN_MS) {
        bad = false;
        return { event: "clean", reason: `no damaged frame for ${SPAN_MS / 1000} s` };
      }
      return undefined;
    },
    restart(now_ms) {
      last = faults();
      seen = [];
      bad = false;
      clean_ms = now_ms;
    },
  };
}
