import { type Readable, Transform } from "node:stream";
import type { BayTarget } from "@mltb/contract";
import { ReadlineParser } from "@serialport/parser-readline";
import type { BayHub, BootState } from "../events.ts";
import { ConsoleLog } from "./console-log.ts";

/** Longest line; a longer one is cut into several. */
const LINE_BYTES = 2000;
/** Lines that a target's console keeps for those who come later. */
const KEPT_LINES = 1000;

/** A line of a console and when it came. */
export interface ConsoleLine {
  at: string;
  line: string;
}

/** What a target's console reads from. */
export type ConsoleSource = Readable | { stream: Readable; stop(): Promise<void> };

/** Cuts lines that never end, so that a parser which waits for a line feed holds a bounded piece. */
function boundedLines(): Transform {
  let length = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const parts: Buffer[] = [];
      let from = 0;
      for (let at = 0; at < chunk.length; at += 1) {
        length = chunk[at] === 10 ? 0 : length + 1;
        if (length < LINE_BYTES) continue;
        parts.push(chunk.subarray(from, at + 1), Buffer.from("\n"));
        from = at + 1;
        length = 0;
      }
      parts.push(chunk.subarray(from));
      done(null, parts.length === 1 ? chunk : Buffer.concat(parts));
    },
  });
}

/** The console of a target: lines to everybody who listens, kept for a while, recorded while the target is leased. */
export class TargetConsole {
  readonly target: string;
  boot: BootState;
  /** Boots that ended in time and late, for the metrics. */
  readonly boots = { ready: 0, timeout: 0 };
  /** Whether the target has a console at all. */
  readonly present: boolean;
  lines = 0;
  readonly log: ConsoleLog;
  private readonly hub: BayHub;
  private readonly pattern: RegExp | undefined;
  private readonly timeout_ms: number;
  private kept: ConsoleLine[] = [];
  /** What came after the last line feed: a prompt ends with none. */
  private partial = "";
  private since_ms = 0;
  private timer: NodeJS.Timeout | undefined;
  private readonly ends: (() => void)[] = [];
  private readonly release: (() => Promise<void>) | undefined;
  /** The state of the target's power was seen: an on that was there before is no boot. */
  private seen = false;

  /**
   * @param source what the target says: a stream, or one that holds a port until it is stopped
   * @param lease under which the target is already
   */
  constructor(
    target: BayTarget,
    source: ConsoleSource | undefined,
    hub: BayHub,
    folder: string,
    lease: { id: string; holder: string } | null = null,
  ) {
    const stream = source !== undefined && "stream" in source ? source.stream : source;
    if (source !== undefined && "stream" in source) this.release = () => source.stop();
    this.target = target.target;
    this.hub = hub;
    this.present = stream !== undefined;
    this.log = new ConsoleLog(folder, target.target);
    this.pattern = target.ready === undefined ? undefined : new RegExp(target.ready.pattern);
    this.timeout_ms = (target.ready?.timeout_s ?? 0) * 1000;
    this.boot = { state: this.pattern === undefined || !this.present ? "none" : "unknown", boot_ms: null };
    this.ends.push(
      hub.onPower(this.target, ({ power }) => this.power(power)),
      hub.onBegin(this.target, () => this.begin()),
      hub.onLease(this.target, (_target, lease) => {
        // Where nothing can be said, nothing is recorded.
        if (this.present) this.log.lease(lease);
      }),
    );
    if (stream !== undefined) {
      this.log.lease(lease);
      this.read(stream);
    }
  }

  private read(stream: Readable): void {
    const bounded = boundedLines();
    const parser = new ReadlineParser({ delimiter: "\n", encoding: "utf8" });
    parser.on("data", (line: string) => this.line(line.replace(/\r$/, "").slice(0, LINE_BYTES)));
    const onRaw = (chunk: Buffer): void => this.raw(chunk);
    stream.on("data", onRaw);
    stream.pipe(bounded).pipe(parser);
    this.ends.push(() => {
      stream.off("data", onRaw);
      stream.unpipe(bounded);
      bounded.destroy();
      parser.destroy();
    });
  }

  /** The newest lines, oldest first. */
  tail(count: number): ConsoleLine[] {
    return count === 0 ? [] : this.kept.slice(-count);
  }

  private line(line: string): void {
    const entry = { at: new Date().toISOString(), line };
    this.lines += 1;
    this.kept.push(entry);
    if (this.kept.length > 2 * KEPT_LINES) this.kept = this.kept.slice(-KEPT_LINES);
    this.log.write(entry);
    this.hub.emit("console", this.target, line);
    this.match(line);
  }

  private raw(chunk: Buffer): void {
    const text = this.partial + chunk.toString("utf8");
    this.partial = text.slice(text.lastIndexOf("\n") + 1).slice(-LINE_BYTES);
    if (this.partial !== "") this.match(this.partial);
  }

  private match(text: string): void {
    if (this.boot.state !== "booting" || this.pattern?.test(text) !== true) return;
    this.boots.ready += 1;
    this.become("ready", Math.round(performance.now() - this.since_ms));
  }

  private power(power: string): void {
    if (this.boot.state === "none" || power === "unknown") return;
    const first = !this.seen;
    this.seen = true;
    if (first && power === "on") return;
    if (power === "off" || power === "fault") {
      if (this.boot.state !== "off") this.become("off", null);
    } else if (this.boot.state === "off" || first) {
      // The rail rises while the state still says `changing`: that is when the target begins to boot.
      this.begin();
    }
  }

  /** The rail has risen, also in the midst of a cycle, or the reset line was released: what the target said before counts no more. */
  private begin(): void {
    if (this.boot.state === "none") return;
    this.seen = true;
    this.since_ms = performance.now();
    this.partial = "";
    if (this.boot.state === "booting") clearTimeout(this.timer);
    this.become("booting", null);
    this.timer = setTimeout(() => {
      this.boots.timeout += 1;
      this.become("timeout", null);
    }, this.timeout_ms);
  }

  private become(state: BootState["state"], boot_ms: number | null): void {
    clearTimeout(this.timer);
    this.boot = { state, boot_ms };
    this.hub.emit("boot", this.target, this.boot);
  }

  /** Resolves when its port is free. Idempotent. */
  async stop(): Promise<void> {
    clearTimeout(this.timer);
    for (const end of this.ends.splice(0)) end();
    this.log.lease(null);
    await this.release?.();
  }
}
