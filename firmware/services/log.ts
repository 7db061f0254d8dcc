import { type BoardSession, CONTROL_BODY_BYTES, LOG_TEXT_BYTES } from "@mltb/protocol";
import { slice } from "#platform";

export const Level = { debug: 0, info: 1, warning: 2, error: 3 } as const;

const KEPT = 12;
/** Room for lines in `log_lines`. */
const LINES_BYTES = CONTROL_BODY_BYTES - 12;

/** Log lines as events, and the last ones for those who ask later. */
export interface Log {
  write(this: void, level: number, text: string): void;
  /** A host is there: sends what no host has heard. */
  flush(this: void): void;
  /** Lines that no host was told. */
  dropped(this: void): number;
  read(this: void, first: number, tag: number): void;
}

export function createLog(session: () => BoardSession, clock: (this: void) => number): Log {
  const kept: { level: number; uptime_ms: number; text: string }[] = [];
  /** Number of the next line, and of the first that no host was told. */
  let next = 0;
  let untold = 0;
  let lost = 0;

  /** Number of the oldest line that is kept. */
  function oldest(): number {
    return next - kept.length;
  }

  return {
    write(this: void, level: number, text: string): void {
      const line = { level, uptime_ms: clock(), text: slice(text, 0, LOG_TEXT_BYTES) };
      if (kept.length >= KEPT) {
        if (untold === oldest()) {
          lost += 1;
          untold += 1;
        }
        table.remove(kept, 1);
      }
      kept.push(line);
      next += 1;
      if (!session().port.open) return;
      session().event("log", line);
      untold = next;
    },
    flush(this: void): void {
      for (let n = untold; n < next; n += 1) session().event("log", kept[n - oldest()] as (typeof kept)[0]);
      untold = next;
    },
    dropped(this: void): number {
      return lost;
    },
    read(this: void, first: number, tag: number): void {
      const from = first < oldest() ? oldest() : first;
      let to = from;
      let data = "";
      while (to < next) {
        const line = kept[to - oldest()] as (typeof kept)[0];
        const text = `${line.uptime_ms} ${line.level} ${line.text}\n`;
        if (data.length + text.length > LINES_BYTES) break;
        data += text;
        to += 1;
      }
      session().answer(tag, "log_lines", { first: from, next: to, lost: from - first, data });
    },
  };
}
