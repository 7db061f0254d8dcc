import {
  type AnswerOf,
  type Body,
  createHostSession,
  type HostSession,
  type Message,
  nodeSeal,
  type RequestName,
  type RequestOutcome,
} from "@mltb/protocol";
import { type ClockMap, createClockMap } from "./clock-map.ts";
import { FrameRing } from "./frame-ring.ts";
import { type Lifecycle, type LifecycleEvent, nextLifecycle } from "./lifecycle.ts";
import { createLinkQuality, type LinkQuality } from "./quality.ts";
import { type ByteTransport, isPortError } from "./transport.ts";

const REOPEN_FIRST_MS = 100;
const REOPEN_LAST_MS = 2000;
/** The session is served at least this often. */
const SERVE_MS = 40;
/** This process was held up when it serves a link later than this: the board's silence meanwhile is not the board's. */
const STALL_MS = 100;

export interface DeviceLinkHooks {
  onLifecycle(state: Lifecycle, reason: string): void;
  onWelcome(welcome: Message<"welcome">, restarted: boolean): void;
  onMessage(name: string, body: Body): void;
  /** A request goes out. */
  onRequest?(): void;
}

/** What happened to a link's port and to this process while it served it. */
export interface PortCounters {
  opened: number;
  open_failed: number;
  closed: number;
  received_bytes: number;
  sent_bytes: number;
  /** Bytes written while no port was open. */
  unsent_bytes: number;
  /** Times that this process was held up; silence of the board is judged without them. */
  stalls: number;
  /** Sessions refused because a board with another serial number answered. */
  wrong_board: number;
}

/** A board's link: transport, session, re-opening, heartbeat, lifecycle. Requests are promises of outcomes. */
export class DeviceLink {
  readonly session: HostSession;
  lifecycle: Lifecycle = "absent";
  /** Why the board is in that state. */
  reason = "";
  roundTrip_ms = 0;
  /** Time since the board's start, as its last pong said. */
  uptime_ms: number | null = null;
  /** The board's clock on this process's `performance.now()`. */
  readonly clock: ClockMap = createClockMap();
  readonly counters: PortCounters = {
    opened: 0,
    open_failed: 0,
    closed: 0,
    received_bytes: 0,
    sent_bytes: 0,
    unsent_bytes: 0,
    stalls: 0,
    wrong_board: 0,
  };
  /** What went over the link last. */
  readonly ring = new FrameRing();
  readonly quality: LinkQuality;
  private pingSent_ms = 0;
  private readonly transport: ByteTransport;
  private readonly hooks: DeviceLinkHooks;
  private readonly serial: string | undefined;
  private timer: NodeJS.Timeout | undefined;
  private due_ms = 0;
  private reopen_ms = REOPEN_FIRST_MS;
  private stopped = false;
  private state: "closed" | "opening" | "open" = "closed";
  /** The port came while an opening was under way: it is tried again at once. */
  private news = false;
  private endOfNews: (() => void) | undefined;

  /** @param serial the serial number that the board must have, where the bay names one */
  constructor(transport: ByteTransport, hooks: DeviceLinkHooks, nonce: number, serial?: string) {
    this.transport = transport;
    this.hooks = hooks;
    this.serial = serial;
    this.session = createHostSession(
      {
        write: (bytes) => this.write(Buffer.from(bytes, "latin1")),
        room: () => this.transport.room(),
      },
      nodeSeal,
      "mltb-supervisor",
      nonce,
      {
        onWelcome: (welcome, restarted) => this.onWelcome(welcome, restarted),
        onMessage: (name, body) => this.hooks.onMessage(name, body),
        onLost: (reason) => this.enter("silent", reason),
        onPing: () => {
          this.pingSent_ms = performance.now();
        },
        onPong: (body, ms) => {
          this.roundTrip_ms = ms;
          this.clock.exchange(this.pingSent_ms, performance.now(), body.tick_us);
          this.uptime_ms = body.uptime_ms;
        },
      },
    );
    this.quality = createLinkQuality(this.session.port);
  }

  start(): void {
    this.endOfNews = this.transport.onAvailable?.(() => this.onAvailable());
    void this.open();
  }

  /** Sends a request; never rejects. `unknown`: the link was lost while it ran. */
  request<N extends RequestName>(name: N, body: Message<N>, timeout_ms: number): Promise<RequestOutcome<AnswerOf<N>>> {
    return new Promise((resolve) => {
      if (this.session.port.open) this.hooks.onRequest?.();
      this.session.request(name, body, timeout_ms, now(), resolve);
      this.serve();
    });
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    clearTimeout(this.timer);
    this.endOfNews?.();
    this.session.close();
    this.state = "closed";
    await this.transport.close();
    this.enter("stopped", "stopped");
  }

  private enter(event: LifecycleEvent, reason: string): void {
    const next = nextLifecycle(this.lifecycle, event);
    if (next === this.lifecycle) return;
    this.lifecycle = next;
    this.reason = reason;
    this.hooks.onLifecycle(next, reason);
  }

  private write(bytes: Buffer): void {
    if (this.state !== "open") {
      this.counters.unsent_bytes += bytes.length;
      return;
    }
    this.counters.sent_bytes += bytes.length;
    this.ring.push("tx", bytes, performance.now());
    this.transport.write(bytes);
  }

  private onWelcome(welcome: Message<"welcome">, restarted: boolean): void {
    if (this.serial !== undefined && welcome.serial !== this.serial) {
      this.counters.wrong_board += 1;
      this.session.close();
      this.reopen_ms = REOPEN_LAST_MS;
      this.onClosed(`board ${welcome.serial} answers where ${this.serial} is wanted`);
      void this.transport.close();
      return;
    }
    if (restarted) this.clock.forget();
    this.quality.restart(now());
    this.enter("welcomed", restarted ? "board restarted" : "welcomed");
    this.hooks.onWelcome(welcome, restarted);
  }

  private onAvailable(): void {
    if (this.stopped || this.state === "open") return;
    this.reopen_ms = REOPEN_FIRST_MS;
    if (this.state === "opening") this.news = true;
    else void this.open();
  }

  private async open(): Promise<void> {
    if (this.stopped || this.state !== "closed") return;
    this.state = "opening";
    this.news = false;
    clearTimeout(this.timer);
    try {
      await this.transport.open({
        onBytes: (chunk) => this.onBytes(chunk),
        onClose: (reason) => this.onClosed(reason),
        onFound: (where) => this.enter("found", where),
      });
    } catch (error) {
      this.state = "closed";
      this.counters.open_failed += 1;
      this.enter(
        isPortError(error) && error.problem === "absent" ? "missing" : "open-failed",
        (error as Error).message,
      );
      this.reason = (error as Error).message;
      this.reopenLater();
      return;
    }
    if (this.stopped) {
      // Stopped while the port was being opened: it must not stay so.
      await this.transport.close();
      return;
    }
    // Lost again before its opening was told.
    if (this.state !== "opening") return;
    this.state = "open";
    this.counters.opened += 1;
    this.reopen_ms = REOPEN_FIRST_MS;
    this.enter("found", this.transport.name);
    this.enter("opened", this.transport.name);
    this.due_ms = 0;
    this.session.connect(now());
    this.serve();
  }

  private onBytes(chunk: Uint8Array): void {
    if (this.stopped) return;
    this.counters.received_bytes += chunk.length;
    const bytes = Buffer.from(chunk);
    this.ring.push("rx", bytes, performance.now());
    this.session.rx(bytes.toString("latin1"), now());
    this.serve();
  }

  private onClosed(reason: string): void {
    if (this.stopped || this.state === "closed") return;
    this.state = "closed";
    this.counters.closed += 1;
    this.session.close();
    this.enter("closed", reason);
    this.reopenLater();
  }

  private reopenLater(): void {
    if (this.stopped) return;
    clearTimeout(this.timer);
    const wait = this.news ? 0 : this.reopen_ms;
    this.timer = setTimeout(() => void this.open(), wait);
    if (!this.news) this.reopen_ms = Math.min(REOPEN_LAST_MS, this.reopen_ms * 2);
    this.news = false;
  }

  private serve(): void {
    if (this.stopped || this.state !== "open") return;
    const at = now();
    const late = this.due_ms === 0 ? 0 : at - this.due_ms;
    if (late > STALL_MS) {
      // What the board has said meanwhile waits behind this timer: it is heard before the board's silence is judged.
      this.counters.stalls += 1;
      this.session.port.lastHeard_ms += late;
      this.due_ms = at;
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.serve(), 1);
      return;
    }
    const wait = this.session.tick(at);
    const verdict = this.quality.judge(at);
    if (verdict !== undefined) this.enter(verdict.event, verdict.reason);
    clearTimeout(this.timer);
    const rest = Math.max(1, Math.min(SERVE_MS, wait));
    this.due_ms = at + rest;
    this.timer = setTimeout(() => this.serve(), rest);
  }
}

function now(): number {
  return Math.floor(performance.now());
}
