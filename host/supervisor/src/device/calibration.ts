import type { CalibrationRecord, CalibrationView } from "@mltb/contract";
import { ampsPerCode, INA226, type MonitoringBoard, monitorAmpsPerCode } from "@mltb/hardware";
import { bodyCheck, type Message, type RequestOutcome } from "@mltb/protocol";
import type { DeviceLink } from "../link/device-link.ts";

const REQUEST_MS = 1500;
/** Steps of the fields of `calibration_set`. */
const VOLTAGE_STEP_V = 1e-4;
const CURRENT_STEP_A = 1e-5;
const TEMPERATURE_STEP_C = 0.01;
/** What a board without a temperature says. */
const UNKNOWN_10MC = -32768;
const STORED = 1;
const DAMAGED = 2;

/** A reading is code x `factor` + `zero`. */
export interface Scale {
  factor: number;
  zero: number;
}

/** How the codes that travel become amperes and volts. */
export interface Scales {
  fast_a: Scale;
  monitor_a: Scale;
  voltage_v: Scale;
}

interface Known {
  record: CalibrationRecord | undefined;
  damaged: boolean;
}

const round = (value: number, step: number): number => Math.round(value / step) / Math.round(1 / step);

/**
 * The calibrations of a board's channels, as the board stores them. What a board corrects itself are the readings in its
 * channel states; samples and monitor blocks travel as codes and are corrected here, by the same formula
 * (`firmware/services/calibration.ts`): reading x (1 + gain + drift x (temperature - at)) + offset.
 */
export class Calibrations {
  private readonly link: DeviceLink;
  private readonly board: MonitoringBoard;
  private readonly able: () => boolean;
  private readonly known = new Map<number, Known>();
  /** Channels that the board in this session has answered for. */
  private readonly asked = new Set<number>();
  /** Of the board, as the factors follow it. */
  temperature_c: number | null = null;
  private scales = new Map<number, Scales>();

  /** @param able whether the board stores calibrations at all */
  constructor(link: DeviceLink, board: MonitoringBoard, able: () => boolean) {
    this.link = link;
    this.board = board;
    this.able = able;
  }

  /** A new session: it may be another board. What was known is in use until that one has answered. */
  welcomed(): void {
    this.asked.clear();
  }

  /** Channels of these that the board has not answered for yet. */
  missing(channels: number[]): number[] {
    return this.able() ? channels.filter((channel) => !this.asked.has(channel)) : [];
  }

  /** Asks the board for the calibrations of channels; resolves with what it did not say, one sentence each. */
  async load(channels: number[]): Promise<string[]> {
    const wrong: string[] = [];
    for (const channel of channels) {
      const outcome = await this.link.request("calibration_get", { channel }, REQUEST_MS);
      if (outcome.kind === "answer") this.take(outcome.body);
      else wrong.push(`calibration of channel ${channel}: ${outcome.kind}`);
    }
    return wrong;
  }

  /** The board's temperature now; gains follow it where a drift is stored. */
  warm(temperature_c: number | null): void {
    if (temperature_c === this.temperature_c) return;
    this.temperature_c = temperature_c;
    this.scales.clear();
  }

  /** Stores a calibration; an answer carries what the board has read back from its store. */
  async store(channel: number, record: CalibrationRecord): Promise<RequestOutcome<"calibration_answer">> {
    const body = wire(channel, record);
    const check = bodyCheck(channel, 0, body.voltage_ppm & 0xffff);
    const outcome = await this.link.request("calibration_set", { ...body, check }, REQUEST_MS);
    if (outcome.kind === "answer") this.take(outcome.body);
    return outcome;
  }

  /** Whether the board reads back what was asked for. */
  agrees(channel: number, record: CalibrationRecord): boolean {
    const stored = this.known.get(channel)?.record;
    return stored !== undefined && JSON.stringify(wire(channel, stored)) === JSON.stringify(wire(channel, record));
  }

  /** Takes what somebody else knew of a board. */
  recall(channel: number, record: CalibrationRecord | null, temperature_c: number | null): void {
    this.known.set(channel, { record: record ?? undefined, damaged: false });
    this.scales.delete(channel);
    this.warm(temperature_c);
  }

  /** Takes a board's answer. */
  take(answer: Message<"calibration_answer">): void {
    this.asked.add(answer.channel);
    this.known.set(answer.channel, {
      record: answer.valid === STORED ? recordOf(answer) : undefined,
      damaged: answer.valid === DAMAGED,
    });
    this.scales.delete(answer.channel);
    if (this.temperature_c === null && answer.temperature_10mc !== UNKNOWN_10MC) {
      this.warm(answer.temperature_10mc * TEMPERATURE_STEP_C);
    }
  }

  of(channel: number): Scales {
    const before = this.scales.get(channel);
    if (before !== undefined) return before;
    const scales = this.compute(channel);
    this.scales.set(channel, scales);
    return scales;
  }

  private compute(channel: number): Scales {
    const hardware = this.board.channels[channel - 1];
    if (hardware === undefined) throw new Error(`${this.board.revision} has no channel ${channel}`);
    const record = this.known.get(channel)?.record;
    const warmed_ppm =
      record === undefined || this.temperature_c === null
        ? 0
        : (this.temperature_c - record.at_c) * record.drift_ppm_per_k;
    const scale = (factor: number, ppm = 0, zero = 0): Scale => ({ factor: factor * (1 + ppm / 1e6), zero });
    return {
      fast_a: scale(ampsPerCode(this.board, hardware), (record?.fast_ppm ?? 0) + warmed_ppm, record?.fast_offset_a),
      monitor_a: scale(monitorAmpsPerCode(hardware), (record?.monitor_ppm ?? 0) + warmed_ppm, record?.monitor_offset_a),
      voltage_v: scale(INA226.bus_lsb_v, record?.voltage_ppm, record?.voltage_offset_v),
    };
  }

  view(channel: number): CalibrationView {
    const { fast_a, monitor_a, voltage_v } = this.of(channel);
    const known = this.known.get(channel);
    return {
      board_revision: this.board.revision,
      current_a_per_code: fast_a.factor,
      monitor_a_per_code: monitor_a.factor,
      voltage_v_per_code: voltage_v.factor,
      source: known?.record !== undefined ? "board" : known === undefined && this.able() ? "unknown" : "design",
      current_offset_a: fast_a.zero,
      monitor_offset_a: monitor_a.zero,
      voltage_offset_v: voltage_v.zero,
      temperature_c: this.temperature_c,
      damaged: known?.damaged ?? false,
      record: known?.record ?? null,
    };
  }
}

function wire(channel: number, record: CalibrationRecord) {
  return {
    channel,
    voltage_ppm: record.voltage_ppm,
    voltage_100uv: Math.round(record.voltage_offset_v / VOLTAGE_STEP_V),
    current_ppm: record.monitor_ppm,
    current_10ua: Math.round(record.monitor_offset_a / CURRENT_STEP_A),
    fast_ppm: record.fast_ppm,
    fast_10ua: Math.round(record.fast_offset_a / CURRENT_STEP_A),
    drift_ppm_k: record.drift_ppm_per_k,
    at_10mc: Math.round(record.at_c / TEMPERATURE_STEP_C),
  };
}

function recordOf(answer: Message<"calibration_answer">): CalibrationRecord {
  return {
    voltage_ppm: answer.voltage_ppm,
    voltage_offset_v: round(answer.voltage_100uv * VOLTAGE_STEP_V, VOLTAGE_STEP_V),
    monitor_ppm: answer.current_ppm,
    monitor_offset_a: round(answer.current_10ua * CURRENT_STEP_A, CURRENT_STEP_A),
    fast_ppm: answer.fast_ppm,
    fast_offset_a: round(answer.fast_10ua * CURRENT_STEP_A, CURRENT_STEP_A),
    drift_ppm_per_k: answer.drift_ppm_k,
    at_c: round(answer.at_10mc * TEMPERATURE_STEP_C, TEMPERATURE_STEP_C),
  };
}
