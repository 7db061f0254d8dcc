import { type BoardSession, LOG_TEXT_BYTES } from "@mltb/protocol";
import { slice } from "#platform";

export const Level = { debug: 0, info: 1, warning: 2, error: 3 } as const;

const KEPT = 12;

/** Log lines as events; while no host listens the last ones are kept. */
export interface Log {
  write(this: void, level: number, text: string): void;
  /** A host is there: sends what was kept. */
  flush(this: void): void;
  dropped(this: void): number;
}

export function createLog(session: () => BoardSession, clock: (this: void) => number): Log {
  let kept: { level: number; uptime_ms: number; text: string }[] = [];
  let lost = 0;

  return {
    write(this: void, level: number, text: string): void {
      const line = { level, uptime_ms: clock(), text: slice(text, 0, LOG_TEXT_BYTES) };
      if (session().port.open) {
        session().event("log", line);
        return;
      }
      if (kept.length >= KEPT) {
        lost += 1;
        table.remove(kept, 1);
      }
      kept.push(line);
    },
    flush(this: void): void {
      for (const line of kept) session().event("log", line);
      kept = [];
    },
    dropped(this: void): number {
      return lost;
    },
  };
}
