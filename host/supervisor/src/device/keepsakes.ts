import { BayError } from "@mltb/contract";
import { ampsPerCode, monitoringBoard } from "@mltb/hardware";
import type { Board } from "./board.ts";

/** The current of the channel that tripped last, 100 ms before the trip to 100 ms after it; null where none has. */
export async function readWaveform(board: Board) {
  if (!board.can("waveform")) throw new BayError("not_supported", `${board.name} keeps no waveforms`);
  const head = await board.link.request("waveform_get", { back: 0 }, 1500);
  if (head.kind !== "answer") throw new BayError("board_lost", `${board.name} does not answer`);
  const { channel, rows, left, period_us, tick_us } = head.body;
  const hardware = monitoringBoard.channels[channel - 1];
  if (hardware === undefined) return null;
  const scale = ampsPerCode(monitoringBoard, hardware);
  const current_a: number[] = [];
  while (current_a.length < rows) {
    const part = await board.link.request("waveform_read", { first: current_a.length, back: 0, what: 0 }, 1500);
    if (part.kind !== "answer" || part.body.data === "")
      throw new BayError("board_lost", `${board.name} does not answer`);
    const codes = Buffer.from(part.body.data, "latin1");
    for (let at = 0; at < codes.length; at += 2) current_a.push(codes.readInt16LE(at) * scale);
  }
  const target = board.channels[channel - 1]?.name ?? null;
  return { target, channel, period_us, tick_us, complete: left === 0, current_a };
}

/** The lines that a board keeps, and how many are gone. */
export async function readLog(board: Board): Promise<{
  lost: number;
  lines: { uptime_ms: number; level: number; text: string }[];
}> {
  if (!board.can("logs")) throw new BayError("not_supported", `${board.name} keeps no log`);
  const lines: { uptime_ms: number; level: number; text: string }[] = [];
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
