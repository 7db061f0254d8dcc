import { BayError, features, suggest } from "@mltb/contract";
import type { Board } from "../device/board.ts";
import { traceLines } from "../trace/trace.ts";
import type { App } from "./app.ts";
import { route } from "./bind.ts";

/** What went over a board's link last. */
export function traceRoutes(app: App, boards: Board[]): void {
  route(app, features.board.calls.trace, async (input, _request, reply) => {
    const board = boards.find((entry) => entry.name === input.board);
    if (board === undefined) {
      const names = boards.map((entry) => entry.name);
      throw new BayError("unknown_board", `there is no board ${input.board}`, suggest(input.board, names));
    }
    return reply.type("application/x-ndjson").send(`${[...traceLines(board)].join("\n")}\n`);
  });
}
