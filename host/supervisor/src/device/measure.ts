import type { MonitoringBoard } from "@mltb/hardware";
import type { Message } from "@mltb/protocol";
import { createTickCounter } from "../energy/ticks.ts";
import type { BayHub } from "../events.ts";
import type { Calibrations } from "./calibration.ts";
import type { ChannelModel } from "./channel.ts";
import { RecentBlocks } from "./recent-blocks.ts";
import { indexAfter, rowsMissing } from "./row-index.ts";

/** Shunt code of a monitor that did not answer. */
const ABSENT = -32768;
const UPTIME_WRAP = 2 ** 32;

/** Turns the board's measurement streams into samples, voltages and energy of its targets. */
export class MeasureStreams {
  received = 0;
  lost = 0;
  malformed = 0;
  /** Rows of blocks that had come before. */
  repeated = 0;
  /** Sweeps over the monitors, and those that had come before. */
  sweeps = 0;
  repeatedSweeps = 0;
  private readonly board: MonitoringBoard;
  private readonly channels: (ChannelModel | undefined)[];
  private readonly calibrations: Pick<Calibrations, "of">;
  private readonly hub: BayHub;
  private ticks = createTickCounter();
  /** The board's uptime in its latest welcome, until a tick has come; and the first tick of a session beside its welcome. */
  private welcomed_ms: number | undefined;
  private known: { tick_us: number; uptime_ms: number } | undefined;
  private nextFirst: number | undefined;
  private readonly recentBlocks = new RecentBlocks();
  private readonly recentSweeps = new RecentBlocks();
  /** Device time at which the next row was due; null after a restart of the board, undefined before the first block. */
  private nextEnd_us: number | null | undefined;

  constructor(
    board: MonitoringBoard,
    channels: (ChannelModel | undefined)[],
    calibrations: Pick<Calibrations, "of">,
    hub: BayHub,
  ) {
    this.board = board;
    this.channels = channels;
    this.calibrations = calibrations;
    this.hub = hub;
  }

  /**
   * A new session: indices begin again, and ticks too where the board has started anew.
   *
   * @param uptime_ms of the board's welcome: a tick wraps after 71 minutes, and nobody has seen those of a lost link
   */
  restart(anew: boolean, uptime_ms: number): void {
    if (anew) {
      this.ticks = createTickCounter();
      this.known = undefined;
      this.recentBlocks.forget();
      this.recentSweeps.forget();
    }
    if (this.known !== undefined) {
      const passed_ms = (uptime_ms - this.known.uptime_ms + UPTIME_WRAP) % UPTIME_WRAP;
      this.ticks.reach(this.known.tick_us + passed_ms * 1000);
    }
    this.welcomed_ms = uptime_ms;
    if (anew && this.nextEnd_us !== undefined) this.nextEnd_us = null;
    this.nextFirst = undefined;
  }

  /** Unwrapped device time of a tick. */
  time(tick_us: number): number {
    const wide_us = this.ticks.wide(tick_us);
    if (this.welcomed_ms !== undefined) this.known = { tick_us: wide_us, uptime_ms: this.welcomed_ms };
    this.welcomed_ms = undefined;
    return wide_us;
  }

  samples(block: Message<"sample_block">): void {
    const bytes = Buffer.from(block.data, "latin1");
    const rows = Math.floor(bytes.length / 2 / block.channels);
    if (rows !== block.rows || block.channels !== this.board.channels.length) {
      this.malformed += 1;
      return;
    }
    // One of the session before says nothing of the time of this one.
    const recent = this.recentBlocks.had(block.first, block.tick_us);
    const tick_us = recent ? 0 : this.time(block.tick_us);
    if (recent || this.isBehind(block, tick_us)) {
      this.repeated += rows;
      return;
    }
    this.received += rows;
    const missing = this.nextFirst === undefined ? undefined : rowsMissing(block.first, this.nextFirst);
    this.lost += missing ?? 0;
    const again = missing === undefined && (this.nextFirst !== undefined || this.nextEnd_us !== undefined);
    this.nextFirst = indexAfter(block.first, rows);
    const before_us = this.nextEnd_us ?? null;
    this.nextEnd_us = tick_us + rows * block.period_us;
    const missing_rows = before_us === null ? null : Math.max(0, Math.round((tick_us - before_us) / block.period_us));
    for (const [n, channel] of this.channels.entries()) {
      if (channel === undefined) continue;
      const { factor, zero } = this.calibrations.of(channel.channel).fast_a;
      const current_a: number[] = [];
      let sum = 0;
      for (let row = 0; row < rows; row += 1) {
        const amps = bytes.readInt16LE((row * block.channels + n) * 2) * factor + zero;
        current_a.push(amps);
        sum += amps;
      }
      channel.current_a = sum / rows;
      channel.energy_j += (sum * channel.last_v * block.period_us) / 1e6;
      this.hub.emit("samples", {
        target: channel.name,
        first: block.first,
        tick_us,
        period_us: block.period_us,
        lost: block.lost,
        ...(again ? { restarted: { missing_rows } } : {}),
        current_a,
      });
    }
  }

  /** A block that a wire has brought late or twice: its index and device time both lie as far behind what is due. */
  private isBehind({ first, rows, period_us }: Message<"sample_block">, tick_us: number): boolean {
    if (this.nextFirst === undefined || this.nextEnd_us === undefined || this.nextEnd_us === null) return false;
    const behind = this.nextFirst - first;
    return behind >= rows && Math.abs(this.nextEnd_us - tick_us - behind * period_us) < period_us;
  }

  monitors(block: Message<"monitor_block">, hasSamples: boolean): void {
    const bytes = Buffer.from(block.data, "latin1");
    if (bytes.length !== block.channels * 4) {
      this.malformed += 1;
      return;
    }
    // A session that goes on may begin with what the one before has brought already.
    if (this.recentSweeps.had(block.first, block.tick_us)) {
      this.repeatedSweeps += 1;
      return;
    }
    this.sweeps += 1;
    const tick_us = this.time(block.tick_us);
    for (const [n, channel] of this.channels.entries()) {
      const shunt = n < block.channels ? bytes.readInt16LE(n * 4 + 2) : ABSENT;
      if (channel === undefined || shunt === ABSENT) continue;
      const { voltage_v, monitor_a } = this.calibrations.of(channel.channel);
      const volts = bytes.readUInt16LE(n * 4) * voltage_v.factor + voltage_v.zero;
      channel.voltage(volts);
      // In a trace that begins behind the welcome nothing says so but the blocks themselves.
      if (!hasSamples && this.received === 0) channel.current_a = shunt * monitor_a.factor + monitor_a.zero;
      this.hub.emit("voltage", channel.name, tick_us, volts);
    }
  }
}
