import { createHash } from "node:crypto";
import { BayError } from "@mltb/contract";
import { monitoringFlash } from "@mltb/hardware";
import { BundleFormat, FirmwareState, type RequestName, type RequestOutcome, refusalName } from "@mltb/protocol";
import type { Board } from "./board.ts";
import { stopStreams } from "./rest.ts";

const REQUEST_MS = 5000;
/** Most bytes in a frame, and frames on their way: what the window of the link takes. */
const PART_BYTES = 224;
const AHEAD = 4;
/** A new bundle runs within this time, or the board has gone back to the one before. */
const START_MS = 8000;
/** Time in which the channels are proved anew, and in which a new bundle is watched before it is confirmed. */
const SETTLED_MS = 3000;
const OBSERVED_MS = 1000;

const formats: Record<number, string> = {
  [BundleFormat.source]: "source",
  [BundleFormat.bytecode_i64]: "bytecode-i64",
  [BundleFormat.bytecode_i32]: "bytecode-i32",
};
const states: Record<number, "factory" | "confirmed" | "trial"> = {
  [FirmwareState.factory]: "factory",
  [FirmwareState.confirmed]: "confirmed",
  [FirmwareState.trial]: "trial",
};

/** The bundle that a board runs. */
export interface FirmwareView {
  version: string;
  /** 0 the image's own, 1 A, 2 B. */
  slot: number;
  state: "factory" | "confirmed" | "trial";
  /** What the board takes: `source`, `bytecode-i64`, `bytecode-i32`. */
  format: string;
  sha256: string;
  /** Bytes of a new bundle that the board has received so far. */
  received_bytes: number;
}

const hex = (bytes: string): string => Buffer.from(bytes, "latin1").toString("hex");

/** Turns every end of a request but an answer into an error. */
function fail(board: Board, what: RequestName, outcome: { kind: string; code?: number; detail?: string }): never {
  if (outcome.kind === "refused") {
    const reason = `${refusalName(outcome.code ?? 0).replaceAll("_", "-")} (${outcome.detail})`;
    throw new BayError("refused_by_board", `${board.name} refused ${what.replaceAll("_", " ")}: ${reason}`);
  }
  if (outcome.kind === "timeout") throw new BayError("not_confirmed", `${board.name} did not answer ${what} in time`);
  throw new BayError("board_lost", `the link to ${board.name} was lost during ${what}`, "run the update again");
}

/** Asks a board which bundle it runs. */
export function readFirmware(board: Board): Promise<FirmwareView> {
  return board.reads.run(() => askFirmware(board));
}

/** The same without waiting for a turn, in the midst of an update. */
async function askFirmware(board: Board): Promise<FirmwareView> {
  if (!board.link.session.port.open) throw new BayError("board_lost", `board ${board.name} is ${board.link.lifecycle}`);
  if (!board.can("update")) throw new BayError("not_supported", `${board.name} takes no bundles over its link`);
  const outcome = await board.link.request("firmware_get", {}, REQUEST_MS);
  if (outcome.kind !== "answer") fail(board, "firmware_get", outcome);
  const { slot, state, format, received, hash } = outcome.body;
  return {
    version: board.welcome?.firmware ?? "?",
    slot,
    state: states[state] ?? "trial",
    format: formats[format] ?? String(format),
    sha256: hex(hash),
    received_bytes: received,
  };
}

/**
 * Sends a bundle into the slot that does not run, starts it and confirms it once the board is back with it. Channels keep
 * their state; measurement rests meanwhile. A board that runs this very bundle, confirmed, is left alone.
 */
export async function updateFirmware(board: Board, bundle: Uint8Array): Promise<FirmwareView & { changed: boolean }> {
  const before = await readFirmware(board);
  const digest = createHash("sha256").update(bundle).digest();
  const hash = digest.toString("latin1");
  if (before.sha256 === hex(hash) && before.state !== "trial") return { ...before, changed: false };
  if (board.updating) throw new BayError("busy", `${board.name} is being updated already`);
  if (board.quiet.recordings > 0) {
    throw new BayError(
      "busy",
      `${board.name} measures: ${board.quiet.recordings} recordings are under way`,
      "try again later",
    );
  }
  if (bundle.length > monitoringFlash.slot_bytes - monitoringFlash.content) {
    throw new BayError(
      "malformed",
      `the bundle has ${bundle.length} bytes, a slot holds ${monitoringFlash.slot_bytes}`,
    );
  }
  board.updating = true;
  try {
    // One that was started and whose confirmation was cut off runs already.
    if (before.sha256 === hex(hash)) return await confirm(board, hash);
    const still = await stopStreams(board.link);
    if (still !== undefined) fail(board, "stream_open", still);
    const format = Number(Object.keys(formats).find((key) => formats[Number(key)] === before.format));
    const opened = await board.link.request("firmware_open", { size: bundle.length, format, hash }, REQUEST_MS);
    if (opened.kind !== "answer") fail(board, "firmware_open", opened);
    await send(board, Buffer.from(bundle).toString("latin1"));
    const epoch = board.welcome?.epoch;
    const started = await board.link.request("firmware_start", { hash }, REQUEST_MS);
    if (started.kind !== "answer") fail(board, "firmware_start", started);
    await restarted(board, epoch);
    if (!board.can("update")) {
      throw new BayError(
        "board_failed",
        `${board.name} runs the new bundle, which takes no bundles over its link and cannot be confirmed`,
        "the board gives way to the bundle before within 10 s; send one of a later version",
      );
    }
    const now = await askFirmware(board);
    if (now.sha256 !== hex(hash)) {
      throw new BayError(
        "board_failed",
        `${board.name} did not start the new bundle and runs ${now.version} again`,
        `its log says why: mltb firmware log ${board.name}`,
      );
    }
    return await confirm(board, hash);
  } finally {
    board.updating = false;
  }
}

/** Confirms the running bundle once every channel was proved anew and it has let no error out. */
async function confirm(board: Board, hash: string): Promise<FirmwareView & { changed: boolean }> {
  const settled = (): boolean =>
    board.channels.every((channel) => channel === undefined || !["unknown", "changing"].includes(channel.power));
  for (const end = performance.now() + SETTLED_MS; !settled() && performance.now() < end; ) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await new Promise((resolve) => setTimeout(resolve, OBSERVED_MS));
  const counters = await board.link.request("counters_get", {}, REQUEST_MS);
  if (counters.kind !== "answer") return fail(board, "counters_get", counters);
  if (!settled() || counters.body.lua_errors > 0) {
    throw new BayError(
      "board_failed",
      `the new bundle was not confirmed: ${settled() ? `${counters.body.lua_errors} errors in it` : "a channel was not proved again"}`,
      `${board.name} goes back to the one before; mltb firmware log ${board.name} says more`,
    );
  }
  const confirmed = await board.link.request("firmware_confirm", { hash }, REQUEST_MS);
  if (confirmed.kind !== "answer") fail(board, "firmware_confirm", confirmed);
  return { ...(await askFirmware(board)), changed: true };
}

async function send(board: Board, text: string): Promise<void> {
  const running: Promise<RequestOutcome<"firmware_written">>[] = [];
  for (let offset = 0; offset < text.length; offset += PART_BYTES) {
    const part = { offset, data: text.slice(offset, offset + PART_BYTES) };
    running.push(board.link.request("firmware_write", part, REQUEST_MS));
    if (running.length < AHEAD) continue;
    const outcome = await (running.shift() as (typeof running)[0]);
    if (outcome.kind !== "answer") fail(board, "firmware_write", outcome);
  }
  for (const last of running) {
    const outcome = await last;
    if (outcome.kind !== "answer") fail(board, "firmware_write", outcome);
  }
}

/** Waits until the board is back with another epoch. */
async function restarted(board: Board, epoch: number | undefined): Promise<void> {
  const started = performance.now();
  while (board.welcome?.epoch === epoch || !board.link.session.port.open) {
    if (performance.now() - started > START_MS) {
      throw new BayError(
        "not_confirmed",
        `${board.name} did not come back within ${START_MS / 1000} s`,
        "an unconfirmed bundle gives way to the one before after 10 s",
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
