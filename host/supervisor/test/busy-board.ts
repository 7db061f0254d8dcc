import { type BoardSession, type Body, createBoardSession, nodeSeal, TABLE_FINGERPRINT } from "@mltb/protocol";
import type { Random } from "@mltb/simulators";
import { DeviceLink, type DeviceLinkHooks } from "../src/link/device-link.ts";

const SERVE_MS = 20;
/** Longest time that bytes are on the wire, and that a controller which writes its flash does nothing else. */
const WIRE_MS = 20;
const BUSY_MS = 450;
const BUSY_CHANCE = 0.0005;

/** A supervisor's link to a board's end of the session, with a wire and a controller that take their time. */
export interface BusyLink {
  link: DeviceLink;
  /** Rows of samples that the board has sent. */
  sent(): number;
  /** Commands that the board has taken, in their order. */
  taken: number[];
}

/**
 * The board's session over a wire with jitter. The controller sends 1,000 rows of eight channels a second, answers
 * commands when their proof would be there, and now and then writes its flash. It costs a thousandth of the whole
 * bundle, so that a day of it can be gone through.
 */
export function busyLink(source: Random, hooks: DeviceLinkHooks): BusyLink {
  let sent = 0;
  let busy_ms = 0;
  const taken: number[] = [];
  const waiting: string[] = [];
  let handlers: { onBytes(chunk: Uint8Array): void } | undefined;
  const now = (): number => Math.floor(performance.now());
  const later = (deliver: () => void): void => void setTimeout(deliver, source.uniform() * WIRE_MS);
  const toHost = (bytes: string): void => later(() => handlers?.onBytes(Buffer.from(bytes, "latin1")));
  const answer = (tag: number, { channel, action }: Body): void => {
    const proved = { outcome: 0, state: 0, state_seq: taken.length, voltage_mv: 5000, current_ua: 200_000 };
    const body = { channel, ...proved, fault: 0, cause: 0, switch_on: action as number, reset_asserted: 0 };
    setTimeout(() => session.answer(tag, "power_answer", body as never), 120 * source.uniform());
  };
  const session: BoardSession = createBoardSession({ write: toHost, room: () => 65_536 }, nodeSeal, {
    welcome: () => ({
      ...{ major: 1, minor: 0, nonce: 0, epoch: 5, window: 4, body_limit: 243, fingerprint: TABLE_FINGERPRINT },
      ...{ reset_cause: 0, uptime_ms: now(), kind: "monitoring", serial: "B", firmware: "0" },
      capabilities: "samples:1",
    }),
    onRequest: (name, body, tag) => {
      if (name !== "power_set") return;
      taken.push(body["action"] as number);
      answer(tag, body);
    },
    onHost: () => undefined,
    ticks_us: () => now() * 1000,
  });
  const serve = (): void => {
    if (now() >= busy_ms) {
      for (const bytes of waiting.splice(0)) session.rx(bytes, now());
      const block = { stream: 1, channels: 8, rows: SERVE_MS, period_us: 1000, tick_us: 0, first: sent, lost: 0 };
      if (session.port.open && session.stream("sample_block", { ...block, data: "x".repeat(SERVE_MS * 16) })) {
        sent += SERVE_MS;
      }
      session.tick(now(), SERVE_MS);
      if (source.uniform() < BUSY_CHANCE) busy_ms = now() + BUSY_MS * source.uniform();
    }
    setTimeout(serve, SERVE_MS);
  };
  serve();
  const link = new DeviceLink(
    {
      name: "wire",
      async open(given) {
        handlers = given;
      },
      write: (bytes) => later(() => waiting.push(Buffer.from(bytes).toString("latin1"))),
      room: () => 65_536,
      async close() {
        handlers = undefined;
      },
    },
    hooks,
    9,
  );
  return { link, sent: () => sent, taken };
}
