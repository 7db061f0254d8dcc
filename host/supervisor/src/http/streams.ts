import { BayError } from "@mltb/contract";
import type { Reply } from "./app.ts";
import { cutOff } from "./cut-off.ts";

/** A slow reader is cut off when this many bytes wait for it. */
const BACKLOG_BYTES = 4_000_000;

/** An answer that goes on for as long as somebody reads it. */
export interface Stream {
  /** Sends text; a reader for whom too much waits already is cut off. */
  write(text: string): void;
  end(): void;
  /** Ends it with a last text, and soon its connection whether the reader has taken that or not. */
  cut(text: string): void;
  onClose(end: () => void): void;
}

/** Answers that go on, of one kind: a bounded number at a time. */
export class Streams {
  private open = 0;
  private readonly limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Throws `busy` where there is no room for a further one. */
  check(): void {
    if (this.open >= this.limit) throw new BayError("busy", `${this.limit} streams are open`, "close one");
  }

  /** Begins one; throws `busy` where there is no room. */
  begin(reply: Reply, type: string): Stream {
    this.check();
    reply.hijack();
    const { raw } = reply;
    // Whoever is gone already closes nothing any more.
    const onClose = (end: () => void): void => {
      if (raw.destroyed) end();
      else raw.once("close", end);
    };
    this.open += 1;
    onClose(() => {
      this.open -= 1;
    });
    raw.writeHead(200, { "content-type": type, "cache-control": "no-store", "x-content-type-options": "nosniff" });
    raw.flushHeaders();
    return {
      write(text) {
        if (raw.writableLength > BACKLOG_BYTES) raw.destroy();
        else if (!raw.writableEnded && !raw.destroyed) raw.write(text);
      },
      end: () => void raw.end(),
      cut: (text) => cutOff(raw, text),
      onClose,
    };
  }
}
