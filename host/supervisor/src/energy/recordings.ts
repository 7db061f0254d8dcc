import { createHash } from "node:crypto";
import { globSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { BayError, type CalibrationView, type Meter, suggest } from "@mltb/contract";
import { type Channel, monitoringBoard } from "@mltb/hardware";
import type { Board } from "../device/board.ts";
import type { Scales } from "../device/calibration.ts";
import type { ChannelModel } from "../device/channel.ts";
import type { BayEvents, BayHub } from "../events.ts";
import type { Cuts } from "../leases/cuts.ts";
import { stepwise } from "../steps.ts";
import { meterOf } from "./meter.ts";
import { Recording, type RecordingResult } from "./recording.ts";
import { contentSteps } from "./recording-file.ts";

/** Time for the last block and the last edge to arrive after a recording is stopped. */
const SETTLE_MS = 400;
/** Recordings under way; a client that never stops its recordings loses the oldest. */
const RUNNING = 64;
/** Bytes of finished recordings that are kept; the oldest go first. */
const KEPT_BYTES = 256 * 1024 * 1024;
const SUFFIX = ".mltb.gz";
/** Of a file that is being written. */
const PART = ".part";

const pack = promisify(gzip);

/** One rail of a recording: the target's own, or another one of its rack that the same marker cuts into windows. */
interface Rail {
  channel: ChannelModel;
  recording: Recording;
  calibrated: Calibrated;
}

/** What the scales of a rail follow from its recording's start to its end. */
interface Calibrated {
  calibration: CalibrationView["source"];
  calibration_record: CalibrationView["record"];
}

interface Running {
  board: Board;
  rails: [Rail, ...Rail[]];
  /** Somebody is being told what it has seen. */
  stopping: boolean;
  /** Ends it, once; gives what its windows have seen of requests and presses of buttons. */
  end(): number;
}

/** Where the samples of a finished recording are. */
interface Artifact {
  target: string;
  file: string;
  sha256: string;
  bytes: number;
}

/** What all rails of a recording share. */
interface Facts {
  id: string;
  rack: string;
  simulated: string[];
  nominal_v: number;
  board_revision: string;
  firmware: string | null;
}

/** A finished recording: the target's own rail, and the others that were asked for. */
interface Finished extends RecordingResult, Facts, Calibrated {
  target: string;
  channel: number;
  /** Requests to the board, and presses of its buttons, that fell into a window. */
  requests_inside: number;
  meter: Meter;
  rails: ({ target: string; channel: number } & Calibrated &
    Pick<RecordingResult, "samples" | "dropped" | "windows">)[];
  /** Of the rails whose samples could be written. */
  artifacts: Artifact[];
}

function recordingOf({ fast_a, voltage_v }: Scales): Recording {
  const zeros = { current_offset_a: fast_a.zero, voltage_offset_v: voltage_v.zero };
  return new Recording(fast_a.factor, { ...zeros, volts_per_code: voltage_v.factor });
}

/** Recordings of rails, started and stopped by clients; what they have seen is kept as files in a folder. */
export class Recordings {
  /**
   * What found no room: recordings because too many were under way, files that gave way to newer ones, files that could not be
   * written, and parts of recordings that went on for too long.
   */
  readonly counters = { recordings: 0, files: 0, unwritten: 0, voltages: 0, markers: 0 };
  private readonly running = new Map<string, Running>();
  private readonly hub: BayHub;
  private readonly cuts: Cuts;
  private readonly folder: string;
  private readonly onError: (error: Error) => void;
  private next = 1;

  /** @param onError told of samples that could not be kept */
  constructor(hub: BayHub, cuts: Cuts, folder: string, onError: (error: Error) => void = () => undefined) {
    this.hub = hub;
    this.cuts = cuts;
    this.folder = folder;
    this.onError = onError;
    // What a supervisor that was killed has left half written.
    for (const part of globSync(`*${PART}`, { cwd: folder })) rmSync(join(folder, part), { force: true });
  }

  /** Records a target's rail, and those of other targets of its rack; the edges of the target's marker count for all. */
  async start(board: Board, channel: ChannelModel, others: string[]): Promise<string> {
    if (board.updating) throw new BayError("busy", `${board.name} is being written to`);
    // Its samples are scaled by what the board stores. Where another target is recorded, that was asked for then.
    if (board.quiet.due(performance.now())) await board.recall();
    const known = board.channels.filter((entry) => entry !== undefined);
    const rails = [channel.name, ...others.filter((name) => name !== channel.name)].map((name): Rail => {
      const found = known.find((entry) => entry.name === name);
      if (found === undefined) {
        const names = known.map((entry) => entry.name);
        throw new BayError("unknown_target", `rack ${board.rack} has no target ${name}`, suggest(name, names));
      }
      const recording = recordingOf(board.calibrations.of(found.channel));
      const { source, record } = board.calibrations.view(found.channel);
      return { channel: found, recording, calibrated: { calibration: source, calibration_record: record } };
    }) as Running["rails"];
    const of = (name: string): Recording | undefined => rails.find((rail) => rail.channel.name === name)?.recording;
    const listeners: { [K in keyof BayEvents]?: (...args: BayEvents[K]) => void } = {
      samples: (block) => of(block.target)?.samples(block.first, block.tick_us, block.period_us, block.current_a),
      voltage: (target, tick_us, voltage_v) => of(target)?.voltage(tick_us, voltage_v),
      marker: (target, level, tick_us) => {
        if (target === channel.name) for (const { recording } of rails) recording.marker(level, tick_us);
      },
      restarted: (name) => {
        if (name === board.name) for (const { recording } of rails) recording.restarted();
      },
      resumed: (name) => {
        if (name === board.name) for (const { recording } of rails) recording.linkLost();
      },
    };
    for (const [event, handler] of Object.entries(listeners)) this.hub.on(event as keyof BayEvents, handler as never);
    const id = `rec-${Date.now().toString(36)}-${this.next++}`;
    const alone = board.quiet.recordings === 0;
    const quietEnded = board.quiet.record(channel.channel);
    // What a holder has left running ends with the lease, also with that of another rail.
    const uncuts = rails.map((rail) => this.cuts.add(rail.channel.name, () => end()));
    const end = (): number => {
      for (const uncut of uncuts) uncut();
      const inside = quietEnded();
      if (!this.running.delete(id)) return inside;
      for (const { recording } of rails) {
        this.counters.voltages += recording.dropped.voltages;
        this.counters.markers += recording.dropped.markers;
      }
      for (const [event, handler] of Object.entries(listeners)) {
        this.hub.off(event as keyof BayEvents, handler as never);
      }
      return inside;
    };
    this.running.set(id, { board, rails, stopping: false, end });
    if (this.running.size > RUNNING) {
      this.counters.recordings += 1;
      this.running.values().next().value?.end();
    }
    // Streams that are open for long need no renewal inside a window; those of a board that is recorded already are.
    if (alone || board.quiet.due(performance.now())) await board.renew();
    return id;
  }

  discard(id: string): void {
    this.find(id).end();
  }

  /**
   * Ends a recording once everything before its last edge has come, keeps its samples and computes its windows. That may take
   * seconds, in which the event loop turns. Samples that cannot be written are counted and told; the windows stand.
   */
  async stop(id: string): Promise<Finished> {
    const entry = this.find(id);
    entry.stopping = true;
    const { board, rails, end } = entry;
    const started = performance.now();
    // Edges are events, samples a stream: wait until the samples have passed the last edge.
    const behind = ({ recording }: Rail): boolean => recording.lastSample_us() < recording.lastMarker_us() + 30_000;
    while (rails.some(behind) && performance.now() - started < SETTLE_MS) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    const requests_inside = end();
    const [own, ...others] = rails;
    const result = await stepwise(own.recording.resultSteps());
    const facts = {
      id,
      rack: own.channel.rack,
      simulated: board.simulated,
      nominal_v: monitoringBoard.nominal_v,
      board_revision: monitoringBoard.revision,
      firmware: board.welcome?.firmware ?? null,
    };
    const beside: Finished["rails"] = [];
    for (const { channel, recording, calibrated } of others) {
      const windows = await stepwise(recording.windowSteps());
      const samples = recording.samplesSeen();
      const dropped = { ...recording.dropped };
      beside.push({ target: channel.name, channel: channel.channel, ...calibrated, samples, dropped, windows });
    }
    const artifacts: Artifact[] = [];
    for (const rail of rails) {
      const artifact = await this.keep(rail, facts);
      if (artifact !== undefined) artifacts.push(artifact);
    }
    return {
      ...facts,
      target: own.channel.name,
      channel: own.channel.channel,
      requests_inside,
      meter: meterOf(monitoringBoard, monitoringBoard.channels[own.channel.channel - 1] as Channel, result.rate_hz),
      ...own.calibrated,
      ...result,
      rails: beside,
      artifacts,
    };
  }

  /** The file of a finished recording's rail; undefined where it is not kept (any more). */
  file(id: string, target: string): string | undefined {
    const file = join(this.folder, `${id}.${target}${SUFFIX}`);
    return statSync(file, { throwIfNoEntry: false })?.isFile() === true ? file : undefined;
  }

  private find(id: string): Running {
    const entry = this.running.get(id);
    if (entry?.stopping === false) return entry;
    throw new BayError("unknown_recording", `there is no recording ${id} under way`);
  }

  private async keep({ channel, recording, calibrated }: Rail, facts: Facts): Promise<Artifact | undefined> {
    const { name: target } = channel;
    const content = contentSteps(recording, {
      ...facts,
      ...calibrated,
      target,
      channel: channel.channel,
      recorded_at: new Date().toISOString(),
    });
    const bytes = await pack(await stepwise(content));
    const file = join(this.folder, `${facts.id}.${target}${SUFFIX}`);
    try {
      mkdirSync(this.folder, { recursive: true, mode: 0o700 });
      await writeFile(`${file}${PART}`, bytes, { mode: 0o600 });
      renameSync(`${file}${PART}`, file);
    } catch (error) {
      this.counters.unwritten += 1;
      this.onError(new Error(`the samples of ${facts.id} ${target} are not kept: ${(error as Error).message}`));
      this.discardPart(`${file}${PART}`);
      return undefined;
    }
    this.makeRoom(file);
    return { target, file, sha256: createHash("sha256").update(bytes).digest("hex"), bytes: bytes.length };
  }

  private discardPart(part: string): void {
    try {
      rmSync(part, { force: true });
    } catch {
      // The folder itself cannot be written to; the next start looks again.
    }
  }

  private makeRoom(newest: string): void {
    const files = readdirSync(this.folder)
      .filter((name) => name.endsWith(SUFFIX))
      .map((name) => {
        const file = join(this.folder, name);
        const { size, mtimeMs } = statSync(file);
        return { file, size, mtimeMs };
      })
      .sort((a, b) => a.mtimeMs - b.mtimeMs);
    let total = files.reduce((sum, entry) => sum + entry.size, 0);
    for (const { file, size } of files) {
      if (total <= KEPT_BYTES || file === newest) break;
      rmSync(file, { force: true });
      this.counters.files += 1;
      total -= size;
    }
  }
}
