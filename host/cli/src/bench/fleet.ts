import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Bay } from "@mltb/contract";
import {
  type Body,
  ChannelState,
  createBoardSession,
  nodeSeal,
  Outcome,
  Stream,
  TABLE_FINGERPRINT,
} from "@mltb/protocol";
import { type ByteTransport, type Supervisor, startSupervisor } from "@mltb/supervisor";
import mqtt, { type MqttClient } from "mqtt";
import { createLog } from "../output/log.ts";

/**
 * A board's end of the link in this process: the protocol's own session and eight pins, without firmware and without a
 * rail that settles. What is measured with it is the supervisor's way to the pin, and nothing of a board.
 */
interface PinBoard {
  transport: ByteTransport;
  /** Told of every change of a pin, with `performance.now()`. */
  onPin: (channel: number, on: boolean, at_ms: number) => void;
  /** A hung board takes bytes and says nothing. */
  hung: boolean;
  /** Sweeps of the monitors that it has sent, and rows of samples. */
  telemetry: number;
  rows: number;
}

const SERVE_MS = 20;
const TELEMETRY_MS = 100;
const CHANNELS = 8;
/** A row of samples each millisecond, as many in a block as come between two services of the link. */
const ROW_US = 1000;
const ROWS = SERVE_MS;

/**
 * @param phase where in the others' turn this board's timers are, from 0 to 1: boards do not tick together
 * @param samples it streams samples as well
 */
function pinBoard(name: string, phase: number, samples: boolean): PinBoard {
  const on = new Array<boolean>(CHANNELS).fill(false);
  let toHost: ((chunk: Uint8Array) => void) | undefined;
  const timers: NodeJS.Timeout[] = [];
  let seq = 0;
  let first = 0;
  let monitors = false;
  let streaming = false;
  const now = (): number => Math.floor(performance.now());
  const tick_us = (): number => (now() * 1000) % 2 ** 32;
  const measured = (channel: number) => ({
    channel,
    state: on[channel - 1] === true ? ChannelState.on : ChannelState.off,
    fault: 0,
    switch_on: on[channel - 1] === true ? 1 : 0,
    voltage_mv: on[channel - 1] === true ? 5000 : 0,
    current_ua: on[channel - 1] === true ? 200_000 : 0,
    state_seq: seq,
  });
  const board: PinBoard = {
    onPin: () => undefined,
    hung: false,
    telemetry: 0,
    rows: 0,
    transport: {
      name: `memory:${name}`,
      async open(handlers) {
        toHost = handlers.onBytes;
        const serve = (): void => {
          if (!board.hung) session.tick(now(), SERVE_MS);
        };
        const telemetry = (): void => {
          if (!monitors || board.hung) return;
          session.stream(
            "monitor_block",
            { channels: CHANNELS, first: first++, tick_us: tick_us() },
            "\0".repeat(CHANNELS * 4),
          );
          board.telemetry += 1;
          serve();
        };
        const block = (): void => {
          if (!streaming || board.hung) return;
          const head = { stream: Stream.samples, channels: CHANNELS, rows: ROWS, period_us: ROW_US, lost: 0 };
          const end_us = (board.rows * ROW_US) % 2 ** 32;
          const data = "\0".repeat(ROWS * CHANNELS * 2);
          session.stream("sample_block", { ...head, tick_us: end_us, first: board.rows, data });
          board.rows += ROWS;
        };
        for (const [work, period_ms] of [
          [serve, SERVE_MS],
          [block, SERVE_MS],
          [telemetry, TELEMETRY_MS],
        ] as const) {
          const begun = setTimeout(() => timers.push(setInterval(work, period_ms)), phase * period_ms);
          timers.push(begun);
        }
      },
      write(bytes) {
        if (board.hung) return;
        session.rx(Buffer.from(bytes).toString("latin1"), now());
        session.tick(now(), SERVE_MS);
      },
      room: () => 65_536,
      async close() {
        for (const timer of timers.splice(0)) clearTimeout(timer);
        toHost = undefined;
      },
    },
  };
  const session = createBoardSession(
    { write: (bytes) => toHost?.(Buffer.from(bytes, "latin1")), room: () => 65_536 },
    nodeSeal,
    {
      welcome: () => ({
        ...{ major: 1, minor: 0, nonce: 0, epoch: 1, window: 8, body_limit: 243, fingerprint: TABLE_FINGERPRINT },
        ...{ reset_cause: 0, uptime_ms: now(), kind: "monitoring", serial: name, firmware: "pins" },
        capabilities: samples ? "power:1 samples:1" : "power:1",
      }),
      onRequest: (request: string, body: Body, tag: number) => {
        const channel = body["channel"] as number;
        if (request === "power_set") {
          const wanted = body["action"] === 1;
          on[channel - 1] = wanted;
          seq += 1;
          board.onPin(channel, wanted, performance.now());
          session.answer(tag, "power_answer", { ...measured(channel), outcome: Outcome.done });
        } else if (request === "channel_get") {
          session.answer(tag, "channel_answer", { ...measured(channel), reset_asserted: 0, cause: 1 });
        } else if (request === "stream_open") {
          if (body["stream"] === Stream.monitors) monitors = true;
          else streaming = true;
          const answer = { stream: body["stream"] as number, channels: CHANNELS, rows: 1, period_us: 100_000, first };
          session.answer(tag, "stream_answer", { ...answer, tick_us: tick_us() });
        } else session.refuse(tag, 1, request);
      },
      onHost: (present) => {
        if (!present) return;
        for (let channel = 1; channel <= CHANNELS; channel += 1) {
          session.state("channel_state", String(channel), {
            ...measured(channel),
            ...{ reset_asserted: 0, tick_us: tick_us(), cause: 0 },
          });
        }
      },
      ticks_us: tick_us,
    },
  );
  return board;
}

export interface Fleet {
  supervisor: Supervisor;
  boards: PinBoard[];
  token: string;
  /** A client of the bay's broker with no-delay sockets. */
  connect(): Promise<MqttClient>;
  stop(): Promise<void>;
}

/** A client of a broker whose socket does not wait for more to send. */
export async function connectClient(url: string, username: string, password: string): Promise<MqttClient> {
  const client = await mqtt.connectAsync(url, { protocolVersion: 4, username, password });
  (client.stream as unknown as { setNoDelay(on: boolean): void }).setNoDelay(true);
  return client;
}

/** How a fleet differs from one at rest: another broker, measurements on MQTT more often, streams of samples. */
export interface FleetOptions {
  broker?: string;
  measure_ms?: number;
  samples?: boolean;
}

/** A supervisor with so many boards, a target `t-N` on the first channel of each; with samples one on every channel. */
export async function startFleet(count: number, how: FleetOptions = {}): Promise<Fleet> {
  const folder = mkdtempSync(join(tmpdir(), "mltb-fleet-"));
  const boards = Array.from({ length: count }, (_, n) => pinBoard(`b-${n}`, n / count, how.samples === true));
  const bay = {
    bay: "fleet",
    racks: boards.map((_, n) => ({
      rack: `r-${n}`,
      board: { name: `b-${n}`, kind: "monitoring", link: "simulated", seed: 1 },
      targets: Array.from({ length: how.samples === true ? CHANNELS : 1 }, (__, c) => {
        const target = c === 0 ? `t-${n}` : `t-${n}-${c + 1}`;
        return { target, channel: c + 1, nominal_v: 5, on_lease_end: "keep" };
      }),
    })),
  } as unknown as Bay;
  const supervisor = await startSupervisor({
    bay,
    openBoard: (board) => (boards[Number(board.name.slice(2))] as PinBoard).transport,
    http: { host: "127.0.0.1", port: 0, named: true },
    mqtt:
      how.broker === undefined
        ? { host: "127.0.0.1", port: 0, named: true }
        : { broker: how.broker, user: "", password: "" },
    measure_ms: how.measure_ms,
    stateDir: folder,
    log: createLog("silent"),
    rates: { login: 1e6, stranger: 1e6 },
  });
  await supervisor.ready(60_000);
  const password = readFileSync(supervisor.mqttPasswordFile, "utf8").trim();
  return {
    supervisor,
    boards,
    token: readFileSync(supervisor.tokenFile, "utf8").trim(),
    connect: () => connectClient(supervisor.mqtt, "operator", password),
    async stop() {
      await supervisor.stop();
      rmSync(folder, { recursive: true });
    },
  };
}
