import { randomInt } from "node:crypto";
import type { BayBoard, BayTarget } from "@mltb/contract";
import {
  type BoardSession,
  type Body,
  bodyCheck,
  Cause,
  ChannelState,
  createBoardSession,
  LOG_TEXT_BYTES,
  MAJOR,
  type Message,
  MINOR,
  nodeSeal,
  Outcome,
  PowerAction,
  Refusal,
  TABLE_FINGERPRINT,
} from "@mltb/protocol";
import type { ByteTransport } from "../link/transport.ts";
import { awaitLeftovers } from "./exec-leftover.ts";
import { filled, runCommand } from "./exec-run.ts";

const TICK_MS = 20;
const STATE_MS = 1000;
const ROOM_BYTES = 65_536;

type ExecLink = Extract<Exclude<BayBoard["link"], "simulated">, { exec: unknown }>;

interface Channel {
  number: number;
  target: string;
  state: number;
  seq: number;
  cause: number;
  /** The command that runs, and what the newest one that came meanwhile wants. */
  running: boolean;
  waiting: { tag: number; action: number; off_ms: number } | undefined;
  /** No program of an earlier supervisor switches it any more. */
  alone: PromiseWithResolvers<void>;
}

/**
 * A power back end that is no board of ours: commands of the bay file behind the same wire, so that at-most-once, leases and
 * lifecycle are those of every board. Nothing is measured: its capabilities say `unproved`, and its states are what the
 * commands claim. They wait for what an earlier supervisor has left running. A cycle is this process's: where it is killed in one, the
 * next one completes it (`unfinished.ts`).
 */
export function execTransport(name: string, link: ExecLink, targets: BayTarget[]): ByteTransport {
  const { commands, time_limit_s } = link.exec;
  const limit_ms = time_limit_s * 1000;
  const started_ms = performance.now();
  const epoch = randomInt(1, 65_536);
  const channels = new Map<number, Channel>(
    targets.map(({ target, channel }) => [
      channel,
      {
        number: channel,
        target,
        state: ChannelState.unknown,
        seq: 0,
        cause: Cause.start,
        running: false,
        waiting: undefined,
        alone: Promise.withResolvers<void>(),
      },
    ]),
  );
  let timer: NodeJS.Timeout | undefined;
  let session: BoardSession | undefined;
  let told_ms = 0;
  let looked = false;
  const now = (): number => Math.floor(performance.now());

  const log = (level: number, text: string): void =>
    session?.event("log", {
      level,
      uptime_ms: now(),
      text: text.replace(/[^\x20-\x7e]/g, "?").slice(0, LOG_TEXT_BYTES),
    });

  function become(channel: Channel, state: number, cause: number): void {
    channel.state = state;
    channel.cause = cause;
    channel.seq += 1;
    tell(channel);
  }

  const fields = (channel: Channel): Omit<Message<"channel_answer">, never> => ({
    channel: channel.number,
    state: channel.state,
    fault: 0,
    switch_on: channel.state === ChannelState.on ? 1 : 0,
    reset_asserted: 0,
    voltage_mv: 0,
    current_ua: 0,
    state_seq: channel.seq,
    cause: channel.cause,
  });

  function tell(channel: Channel): void {
    session?.state("channel_state", `state${channel.number}`, {
      ...fields(channel),
      tick_us: (now() * 1000) % 2 ** 32,
    });
  }

  /** What may still be under way from before this process. */
  const switching = () =>
    [...channels.values()].map((channel) => ({
      channel: channel.number,
      commands: [commands.on, commands.off, commands.reset ?? []]
        .filter((words) => words.length > 0)
        .map((words) => filled(words, { target: channel.target, channel: channel.number })),
    }));

  function onFree(number: number, late: boolean): void {
    const channel = channels.get(number) as Channel;
    if (late) log(2, `${channel.target}: a command that another process began runs for more than ${time_limit_s} s`);
    channel.alone.resolve();
  }

  /** One of the back end's commands; a failure goes to the log. */
  async function command(channel: Channel, words: string[], what: string): Promise<string | undefined> {
    await channel.alone.promise;
    const result = await runCommand(words, { target: channel.target, channel: channel.number }, limit_ms);
    if (result.ok) return result.text;
    log(3, `${what} of ${channel.target}: ${result.text}`);
    return undefined;
  }

  /** What the back end says of a channel: its word, or nothing where it has no command for that. */
  async function read(channel: Channel): Promise<number | undefined> {
    if (commands.status === undefined) {
      await channel.alone.promise;
      return undefined;
    }
    const text = await command(channel, commands.status, "status");
    if (text === undefined) return ChannelState.unknown;
    const word = text.trim().toLowerCase();
    if (word === "on" || word === "1") return ChannelState.on;
    if (word === "off" || word === "0") return ChannelState.off;
    log(2, `status of ${channel.target}: on or off is wanted, not ${word.slice(0, 40)}`);
    return ChannelState.unknown;
  }

  /** Switches and reads back: `true` where nothing speaks against it, `"untold"` where it was done and nothing could be read. */
  async function switchTo(channel: Channel, on: boolean): Promise<boolean | "untold"> {
    const done = (await command(channel, on ? commands.on : commands.off, on ? "on" : "off")) !== undefined;
    const wanted = on ? ChannelState.on : ChannelState.off;
    const seen = await read(channel);
    if (done && (seen === undefined || seen === wanted)) return true;
    if (done && seen !== ChannelState.unknown)
      log(3, `${channel.target}: ${on ? "on" : "off"} was done, status says otherwise`);
    become(channel, seen ?? ChannelState.unknown, Cause.command);
    return done && seen === ChannelState.unknown ? "untold" : false;
  }

  async function power(channel: Channel, request: NonNullable<Channel["waiting"]>): Promise<void> {
    const answer = (outcome: number): void =>
      session?.answer(request.tag, "power_answer", {
        ...fields(channel),
        outcome,
      } as unknown as Message<"power_answer">);
    if (channel.running) {
      // The newest one wins: whoever waited before it does not run at all.
      const before = channel.waiting;
      channel.waiting = request;
      if (before !== undefined) {
        session?.answer(before.tag, "power_answer", { ...fields(channel), outcome: Outcome.superseded } as never);
      }
      return;
    }
    channel.running = true;
    become(channel, ChannelState.changing, Cause.command);
    const superseded = (): boolean => channel.waiting !== undefined;
    let good: boolean | "untold" = true;
    if (request.action !== PowerAction.on) good = await switchTo(channel, false);
    const untold = good === "untold";
    // A cycle whose "off" was done goes on: the target must not stay off because it could not be read.
    if (good !== false && request.action === PowerAction.cycle) {
      for (let left = request.off_ms; left > 0 && !superseded(); left -= TICK_MS) {
        await new Promise((resolve) => setTimeout(resolve, Math.min(left, TICK_MS)));
      }
    }
    const on = request.action === PowerAction.on || request.action === PowerAction.cycle;
    if (good !== false && on && !superseded()) good = await switchTo(channel, true);
    channel.running = false;
    if (good === true)
      become(
        channel,
        on && !superseded() ? ChannelState.on : on ? ChannelState.unknown : ChannelState.off,
        Cause.command,
      );
    answer(superseded() ? Outcome.superseded : good === true && !untold ? Outcome.done : Outcome.not_confirmed);
    const next = channel.waiting;
    channel.waiting = undefined;
    if (next !== undefined) await power(channel, next);
  }

  async function reset(channel: Channel, tag: number): Promise<void> {
    if (commands.reset === undefined) {
      session?.refuse(tag, Refusal.not_capable, "no reset command");
      return;
    }
    const done = (await command(channel, commands.reset, "reset")) !== undefined;
    session?.answer(tag, "reset_answer", {
      channel: channel.number,
      outcome: done ? Outcome.done : Outcome.not_confirmed,
      held_ms: 0,
      reset_asserted: done ? 0 : 1,
    });
  }

  async function onRequest(request: string, body: Body, tag: number): Promise<void> {
    const channel = channels.get(body["channel"] as number);
    const { off_ms, action, pulse_ms, check } = body as Record<string, number | undefined>;
    if (request === "power_set" || request === "reset_pulse" || request === "channel_get") {
      if (channel === undefined) session?.refuse(tag, Refusal.bad_channel, "no target there");
      else if (request === "channel_get") {
        const seen = channel.running ? undefined : await read(channel);
        if (seen !== undefined && seen !== channel.state && !channel.running) become(channel, seen, channel.cause);
        session?.answer(tag, "channel_answer", fields(channel));
      } else if (check !== bodyCheck(channel.number, action ?? 0, off_ms ?? pulse_ms ?? 0)) {
        session?.refuse(tag, Refusal.bad_check, "complement");
      } else if (request === "reset_pulse") await reset(channel, tag);
      else await power(channel, { tag, action: action as number, off_ms: off_ms as number });
    } else if (request === "target_names") session?.refuse(tag, Refusal.not_capable, "no panel");
    else session?.refuse(tag, Refusal.not_capable, request);
  }

  return {
    name: `exec ${name}`,
    async open({ onBytes }) {
      const mine: BoardSession = createBoardSession(
        {
          write: (bytes) => void setImmediate(() => session === mine && onBytes(Buffer.from(bytes, "latin1"))),
          room: () => ROOM_BYTES,
        },
        nodeSeal,
        {
          welcome: () => ({
            ...{ major: MAJOR, minor: MINOR, nonce: 0, epoch, window: 4, body_limit: 243 },
            ...{
              fingerprint: TABLE_FINGERPRINT,
              reset_cause: 0,
              uptime_ms: Math.floor(performance.now() - started_ms),
            },
            ...{ kind: "exec", serial: name, firmware: "-", capabilities: "power:1 unproved:1" },
          }),
          onRequest: (request, body, tag) => void onRequest(request, body, tag),
          onHost: (present) => {
            if (present) for (const channel of channels.values()) void refresh(channel);
          },
          ticks_us: () => (now() * 1000) % 2 ** 32,
        },
      );
      session = mine;
      if (!looked) {
        looked = true;
        void awaitLeftovers(switching(), limit_ms, onFree);
      }
      timer = setInterval(() => {
        mine.tick(now(), TICK_MS);
        if (now() - told_ms < STATE_MS) return;
        told_ms = now();
        for (const channel of channels.values()) tell(channel);
      }, TICK_MS);
    },
    write(bytes) {
      const to = session;
      const text = Buffer.from(bytes).toString("latin1");
      setImmediate(() => session === to && to?.rx(text, now()));
    },
    room: () => ROOM_BYTES,
    async close() {
      clearInterval(timer);
      session = undefined;
    },
  };

  async function refresh(channel: Channel): Promise<void> {
    if (channel.running) return;
    const seen = await read(channel);
    if (seen !== undefined && !channel.running) become(channel, seen, Cause.start);
  }
}
