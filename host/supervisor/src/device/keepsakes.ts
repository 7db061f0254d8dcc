import { BayError } from "@mltb/contract";
import type { Board } from "./board.ts";

const CURRENT = 0;
const VOLTAGE = 1;

interface BoardLog {
  lost: number;
  lines: { uptime_ms: number; level: number; text: string }[];
}

/**
 * The channel that tripped last (`back` 0) or before that (1), 100 ms on each side of the trip: the current in amperes and, at the
 * rate of the monitors' sweep, the voltage in volts. The ticks are device time: the end of the first row of current, and the
 * first reading of voltage. Null where no such trip was kept.
 */
export function readWaveform(board: Board, back: number) {
  return board.reads.run(() => waveformOf(board, back));
}

async function waveformOf(board: Board, back: number) {
  if (!board.can("waveform")) throw new BayError("not_supported", `${board.name} keeps no waveforms`);
  const head = await board.link.request("waveform_get", { back }, 1500);
  if (head.kind !== "answer") throw new BayError("board_lost", `${board.name} does not answer`);
  const { channel, rows, left, period_us, tick_us, voltages, sweep_us, sweep_tick_us } = head.body;
  if (channel === 0) return null;
  const { fast_a, voltage_v } = board.calibrations.of(channel);
  return {
    target: board.channels[channel - 1]?.name ?? null,
    channel,
    period_us,
    tick_us,
    complete: left === 0,
    current_a: (await readCodes(board, back, CURRENT, rows)).map((code) => code * fast_a.factor + fast_a.zero),
    sweep_period_us: sweep_us,
    sweep_tick_us,
    voltage_v: (await readCodes(board, back, VOLTAGE, voltages)).map(
      (code) => (code & 0xffff) * voltage_v.factor + voltage_v.zero,
    ),
  };
}

async function readCodes(board: Board, back: number, what: number, count: number): Promise<number[]> {
  const codes: number[] = [];
  while (codes.length < count) {
    const part = await board.link.request("waveform_read", { first: codes.length, back, what }, 1500);
    if (part.kind !== "answer" || part.body.data === "")
      throw new BayError("board_lost", `${board.name} does not answer`);
    const bytes = Buffer.from(part.body.data, "latin1");
    for (let at = 0; at < bytes.length; at += 2) codes.push(bytes.readInt16LE(at));
  }
  return codes;
}

/** The lines that a board keeps, and how many are gone. */
export function readLog(board: Board): Promise<BoardLog> {
  return board.reads.run(() => logOf(board));
}

async function logOf(board: Board): Promise<BoardLog> {
  if (!board.can("logs")) throw new BayError("not_supported", `${board.name} keeps no log`);
  const lines: BoardLog["lines"] = [];
  let lost = 0;
  for (let first = 0; ; ) {
    const outcome = await board.link.request("log_read", { first }, 1500);
    if (outcome.kind !== "answer") throw new BayError("board_lost", `${board.name} does not answer`);
    const { next, data } = outcome.body;
    lost += outcome.body.lost;
    for (const line of data.split("\n").slice(0, -1)) {
      const [, uptime = "0", level = "0", text = ""] = /^(\d+) (\d+) (.*)$/.exec(line) ?? [];
      lines.push({ uptime_ms: Number(uptime), level: Number(level), text });
    }
    if (data === "") return { lost, lines };
    first = next;
  }
}
