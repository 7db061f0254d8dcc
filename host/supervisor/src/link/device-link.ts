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
import { type Lifecycle, type LifecycleEvent, nextLifecycle } from "./lifecycle.ts";
import type { ByteTransport } from "./transport.ts";

const REOPEN_FIRST_MS = 100;
const REOPEN_LAST_MS = 2000;
/** The session is served at least this often. */
const SERVE_MS = 40;

export interface DeviceLinkHooks {
  onLifecycle(state: Lifecycle, reason: string): void;
  onWelcome(welcome: Message<"welcome">, restarted: boolean): void;
  onMessage(name: string, body: Body): void;
}

/** A board's link: transport, session, re-opening with back-off, lifecycle. Requests are promises of outcomes. */
export class DeviceLink {
  readonly session: HostSession;
  lifecycle: Lifecycle = "absent";
  roundTrip_ms = 0;
  /** Time since the board's start, as its last pong said. */
  uptime_ms: number | null = null;
  /** The board's clock on this process's `performance.now()`. */
  readonly clock: ClockMap = createClockMap();
  private pingSent_ms = 0;
  private readonly transport: ByteTransport;
  private readonly hooks: DeviceLinkHooks;
  private timer: NodeJS.Timeout | undefined;
  private reopen_ms = REOPEN_FIRST_MS;
  private stopped = false;
  private isOpen = false;

  constructor(transport: ByteTransport, hooks: DeviceLinkHooks, nonce: number) {
    this.transport = transport;
    this.hooks = hooks;
    this.session = createHostSession(
      {
        write: (bytes) => this.transport.write(Buffer.from(bytes, "latin1")),
        room: () => this.transport.room(),
      },
      nodeSeal,
      "mltb-supervisor",
      nonce,
      {
        onWelcome: (welcome, restarted) => {
          if (restarted) this.clock.forget();
          this.enter("welcomed", restarted ? "board restarted" : "welcomed");
          this.hooks.onWelcome(welcome, restarted);
        },
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
  }

  start(): void {
    void this.open();
  }

  /** Sends a request; never rejects. `unknown`: the link was lost while it ran. */
  request<N extends RequestName>(name: N, body: Message<N>, timeout_ms: number): Promise<RequestOutcome<AnswerOf<N>>> {
    return new Promise((resolve) => {
      this.session.request(name, body, timeout_ms, now(), resolve);
      this.serve();
    });
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    this.session.close();
    await this.transport.close();
    this.enter("stopped", "stopped");
  }

  private enter(event: LifecycleEvent, reason: string): void {
    const next = nextLifecycle(this.lifecycle, event);
    if (next === this.lifecycle) return;
    this.lifecycle = next;
    this.hooks.onLifecycle(next, reason);
  }

  private async open(): Promise<void> {
    this.enter("open-started", this.transport.name);
    try {
      await this.transport.open({
        onBytes: (chunk) => {
          this.session.rx(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString("latin1"), now());
          this.serve();
        },
        onClose: (reason) => this.onClosed(reason),
      });
    } catch (error) {
      this.enter("open-failed", (error as Error).message);
      this.reopenLater();
      return;
    }
    if (this.stopped) {
      // Stopped while the port was being opened: it must not stay so.
      await this.transport.close();
      return;
    }
    this.isOpen = true;
    this.reopen_ms = REOPEN_FIRST_MS;
    this.enter("opened", this.transport.name);
    this.session.connect(now());
    this.serve();
  }

  private onClosed(reason: string): void {
    this.isOpen = false;
    this.session.close();
    this.enter("closed", reason);
    this.reopenLater();
  }

  private reopenLater(): void {
    if (this.stopped) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.open(), this.reopen_ms);
    this.reopen_ms = Math.min(REOPEN_LAST_MS, this.reopen_ms * 2);
  }

  private serve(): void {
    if (this.stopped || !this.isOpen) return;
    const wait = this.session.tick(now());
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.serve(), Math.max(1, Math.min(SERVE_MS, wait)));
  }
}

function now(): number {
  return Math.floor(performance.now());
}
