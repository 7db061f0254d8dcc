import { BayError, z } from "@mltb/contract";
import { ampsPerCode, monitoringBoard } from "@mltb/hardware";
import type { Board } from "../device/board.ts";
import { readFirmware, updateFirmware } from "../device/firmware.ts";
import type { App } from "./app.ts";

/** More than the largest slot. */
const BUNDLE_LIMIT_BYTES = 512 * 1024;

const params = z.object({ board: z.string() });
const firmware = z.object({
  version: z.string(),
  slot: z.number(),
  state: z.enum(["factory", "confirmed", "trial"]),
  format: z.string(),
  sha256: z.string(),
  received_bytes: z.number(),
});
const view = z.object({
  name: z.string(),
  rack: z.string(),
  kind: z.string().nullable(),
  serial: z.string().nullable(),
  lifecycle: z.string(),
  capabilities: z.array(z.string()),
});

/** Routes of the rack electronics: boards, their firmware and their logs. */
export function boardRoutes(app: App, boards: Board[]): void {
  app.addContentTypeParser(
    "application/octet-stream",
    { parseAs: "buffer", bodyLimit: BUNDLE_LIMIT_BYTES },
    (_request, body, done) => done(null, body),
  );

  function find(name: string): Board {
    const board = boards.find((entry) => entry.name === name);
    if (board !== undefined) return board;
    const known = boards.map((entry) => entry.name).join(", ");
    throw new BayError("unknown_board", `there is no board ${name}; there are ${known}`);
  }

  app.get("/api/v1/boards", {
    schema: { response: { 200: z.array(view) } },
    handler: async () =>
      boards.map((board) => ({
        name: board.name,
        rack: board.rack,
        kind: board.welcome?.kind ?? null,
        serial: board.welcome?.serial ?? null,
        lifecycle: board.link.lifecycle,
        capabilities: board.welcome?.capabilities.split(" ") ?? [],
      })),
  });

  app.get("/api/v1/boards/:board/firmware", {
    schema: { params, response: { 200: firmware } },
    handler: (request) => readFirmware(find(request.params.board)),
  });

  app.put("/api/v1/boards/:board/firmware", {
    bodyLimit: BUNDLE_LIMIT_BYTES,
    schema: { params, response: { 200: firmware.extend({ changed: z.boolean() }) } },
    handler: async (request) => {
      const board = find(request.params.board);
      if (!Buffer.isBuffer(request.body) || request.body.length === 0) {
        throw new BayError("malformed", "the body is the bundle itself, as application/octet-stream");
      }
      return updateFirmware(board, request.body);
    },
  });

  app.get("/api/v1/boards/:board/waveform", {
    schema: {
      params,
      response: {
        200: z
          .object({
            target: z.string().nullable(),
            channel: z.number(),
            period_us: z.number(),
            tick_us: z.number(),
            complete: z.boolean(),
            current_a: z.array(z.number()),
          })
          .nullable(),
      },
    },
    handler: (request) => readWaveform(find(request.params.board)),
  });

  app.get("/api/v1/boards/:board/log", {
    schema: {
      params,
      response: {
        200: z.object({
          lost: z.number(),
          lines: z.array(z.object({ uptime_ms: z.number(), level: z.number(), text: z.string() })),
        }),
      },
    },
    handler: (request) => readLog(find(request.params.board)),
  });
}

/** The current of the channel that tripped last, 100 ms before the trip to 100 ms after it; null where none has. */
async function readWaveform(board: Board) {
  if (!board.can("waveform")) throw new BayError("not_supported", `${board.name} keeps no waveforms`);
  const head = await board.link.request("waveform_get", {}, 1500);
  if (head.kind !== "answer") throw new BayError("board_lost", `${board.name} does not answer`);
  const { channel, rows, left, period_us, tick_us } = head.body;
  const hardware = monitoringBoard.channels[channel - 1];
  if (hardware === undefined) return null;
  const scale = ampsPerCode(monitoringBoard, hardware);
  const current_a: number[] = [];
  while (current_a.length < rows) {
    const part = await board.link.request("waveform_read", { first: current_a.length }, 1500);
    if (part.kind !== "answer" || part.body.data === "")
      throw new BayError("board_lost", `${board.name} does not answer`);
    const codes = Buffer.from(part.body.data, "latin1");
    for (let at = 0; at < codes.length; at += 2) current_a.push(codes.readInt16LE(at) * scale);
  }
  const target = board.channels[channel - 1]?.name ?? null;
  return { target, channel, period_us, tick_us, complete: left === 0, current_a };
}

/** The lines that a board keeps, and how many are gone. */
async function readLog(board: Board): Promise<{
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
