import { readFileSync } from "node:fs";
import type { BayClient } from "../client/bay-client.ts";
import { type BayOptions, findBay } from "../client/find-bay.ts";
import { cliError, Exit } from "../errors.ts";
import { action, addBayOptions, type Command } from "../program.ts";

/** What a board runs, as the API says it. */
interface Firmware {
  version: string;
  slot: number;
  state: "factory" | "confirmed" | "trial";
  format: string;
  sha256: string;
  received_bytes: number;
}

const slots = ["the image's own", "slot A", "slot B"];

function text(board: string, of: Firmware): string {
  const where = slots[of.slot] ?? `slot ${of.slot}`;
  const trial = of.state === "trial" ? ", on trial" : "";
  return `${board}: firmware ${of.version} (${where}${trial}), sha256 ${of.sha256.slice(0, 16)}..., takes ${of.format}`;
}

/** This version's bundle in the form that the board takes. */
export async function bundleFor(format: string): Promise<Uint8Array> {
  const { buildBundle } = await import("@mltb/firmware");
  const { source } = await buildBundle("monitoring");
  if (format === "source") return Buffer.from(source, "latin1");
  // Needs a C compiler and Lua's sources: only boards with an image of their own ask for it.
  const { bundleBytecode, ImageBuildError } = await import("@mltb/firmware/images");
  if (format === "bytecode-i64") {
    return bundleBytecode(source).catch((error: unknown) => {
      if (!(error instanceof ImageBuildError)) throw error;
      throw cliError(Exit.unreachable, "toolchain", error.message, "or give the bytecode with --file");
    });
  }
  throw cliError(Exit.usage, "format", `no bundle is built as ${format} here`, "give one with --file");
}

function readBundle(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? `${file} not found` : message;
    throw cliError(Exit.usage, "file", why, "name a bundle that `npm run -s firmware -- build` or `image` has made");
  }
}

/** Says how far the board is, while it receives. */
function follow(bay: BayClient, path: string, size: number): () => void {
  let told = 0;
  const timer = setInterval(() => {
    bay.call<Firmware>("GET", path).then(
      ({ received_bytes }) => {
        const percent = Math.floor((received_bytes * 100) / size);
        if (percent > told && percent <= 100) process.stderr.write(`${percent} % of ${size} bytes\n`);
        told = Math.max(told, percent);
      },
      // The board restarts: the update itself reports what becomes of it.
      () => undefined,
    );
  }, 1000);
  return () => clearInterval(timer);
}

/** `mltb firmware update|show|log BOARD`. */
export function registerFirmware(program: Command): void {
  const firmware = program.command("firmware").description("firmware of the rack electronics");
  const path = (board: string): string => `/api/v1/boards/${encodeURIComponent(board)}`;

  addBayOptions(
    firmware.command("show").description("show what a board runs").argument("<board>", "name of the board"),
  ).action(
    action(async (context, board: string, options: BayOptions) => {
      const found = await findBay(options).call<Firmware>("GET", `${path(board)}/firmware`);
      context.print(found, () => text(board, found));
      return Exit.done;
    }),
  );

  addBayOptions(
    firmware
      .command("update")
      .description("send this version's firmware to a board, start it and confirm it; its channels keep their state")
      .argument("<board>", "name of the board")
      .option("--file <bundle>", "a bundle in the form that the board takes, in place of this version's")
      .option("--override <reason>", "although somebody else has leased a target of the board; the reason is recorded"),
  ).action(
    action(async (context, board: string, options: BayOptions & { file?: string; override?: string }) => {
      const bay = findBay(options);
      bay.override = options.override;
      const { format } = await bay.call<Firmware>("GET", `${path(board)}/firmware`);
      const bundle = options.file === undefined ? await bundleFor(format) : readBundle(options.file);
      const done = follow(bay, `${path(board)}/firmware`, bundle.length);
      const result = await bay
        .upload<Firmware & { changed: boolean }>("PUT", `${path(board)}/firmware`, bundle)
        .finally(done);
      context.print({ board, ...result }, () =>
        result.changed ? `${text(board, result)}: confirmed` : `${text(board, result)}: it runs already`,
      );
      return Exit.done;
    }),
  );

  addBayOptions(
    firmware
      .command("log")
      .description("show the last lines of a board's log")
      .argument("<board>", "name of the board"),
  ).action(
    action(async (context, board: string, options: BayOptions) => {
      const log = await findBay(options).call<{
        lost: number;
        lines: { uptime_ms: number; level: number; text: string }[];
      }>("GET", `${path(board)}/log`);
      const levels = ["debug", "info", "warning", "error"];
      context.print(log, () =>
        [
          ...(log.lost > 0 ? [`(${log.lost} older lines are gone)`] : []),
          ...log.lines.map((line) => `${(line.uptime_ms / 1000).toFixed(3)} ${levels[line.level] ?? "?"} ${line.text}`),
        ].join("\n"),
      );
      return Exit.done;
    }),
  );
}
