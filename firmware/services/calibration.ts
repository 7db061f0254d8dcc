import { type BoardSession, type Body, bodyCheck, type Message, Refusal } from "@mltb/protocol";
import { idiv } from "#platform";
import type { Storage } from "./storage.ts";

/** Calibration of a channel: gains in parts per million, offsets in the units that the names say. */
export interface Calibration {
  voltage_ppm: number;
  voltage_100uv: number;
  current_ppm: number;
  current_10ua: number;
  fast_ppm: number;
  fast_10ua: number;
  /** Change of both currents' gain for each kelvin away from `at_10mc`. */
  drift_ppm_k: number;
  /** Hundredths of a degree Celsius. */
  at_10mc: number;
}

const NONE = 0;
const STORED = 1;
const DAMAGED = 2;
const RECORD = "<i2i2i2i2i2i2i2i2";
const RECORD_BYTES = 16;
/** Temperature of a board without a sensor that answers. */
const UNKNOWN_10MC = -32768;

export interface Calibrations {
  /** Calibrations of the channels, undefined where a channel has none. */
  list: (Calibration | undefined)[];
  /** Corrects a monitor's reading in its place. */
  correct(this: void, index: number, reading: { voltage_mv: number; current_ua: number }): void;
  /** Microamperes of the fast chain, corrected. */
  fast_ua(this: void, index: number, raw_ua: number): number;
  /** The board's temperature in thousandths of a degree Celsius; undefined where nothing is known of it. */
  warmed(this: void, celsius_m: number | undefined): void;
  handlers: Record<string, (this: void, body: Body, tag: number) => void>;
}

/** The calibration of a record. */
function calibrationOf(bytes: string): Calibration {
  const [voltage_ppm, voltage_100uv, current_ppm, current_10ua, fast_ppm, fast_10ua, drift_ppm_k, at_10mc] =
    string.unpack(RECORD, bytes);
  return { voltage_ppm, voltage_100uv, current_ppm, current_10ua, fast_ppm, fast_10ua, drift_ppm_k, at_10mc };
}

/** value x (1 + ppm / 10^6) without leaving 31 bits, for values below 33 million: what the thousands leave counts by itself. */
function scaled(value: number, ppm: number): number {
  const thousands = idiv(value, 1000);
  return value + idiv(thousands * ppm + idiv((value - 1000 * thousands) * ppm, 1000), 1000);
}

/** Calibrations as they were stored. A record that does not match its checksum is not used, and says so. */
export function createCalibrations(
  channels: number,
  storage: Storage,
  channelOf: (this: void, body: Body, tag: number) => number,
  busy: (this: void) => boolean,
  session: () => BoardSession,
): Calibrations {
  const list: (Calibration | undefined)[] = [];
  const valid: number[] = [];
  /** Gains of the currents at this temperature, in addition to the calibrated ones. */
  const warm_ppm: number[] = [];
  let now_10mc = UNKNOWN_10MC;

  function warm(index: number): void {
    const of = list[index];
    const known = of !== undefined && now_10mc !== UNKNOWN_10MC;
    warm_ppm[index] = known ? idiv((now_10mc - of.at_10mc) * of.drift_ppm_k, 100) : 0;
  }

  function load(index: number): void {
    const bytes = storage.get(`calibration${index}`);
    list[index] = undefined;
    valid[index] = bytes === undefined ? DAMAGED : NONE;
    if (bytes !== undefined && bytes.length === RECORD_BYTES) {
      list[index] = calibrationOf(bytes);
      valid[index] = STORED;
    }
    warm(index);
  }
  for (let i = 0; i < channels; i += 1) load(i);

  const zero = calibrationOf("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");

  function answer(index: number, tag: number): void {
    const of = (list[index] === undefined ? zero : list[index]) as Message<"calibration_answer">;
    of.channel = index + 1;
    of.valid = valid[index] as number;
    of.temperature_10mc = now_10mc;
    session().answer(tag, "calibration_answer", of);
  }

  return {
    list,
    correct(this: void, index: number, reading: { voltage_mv: number; current_ua: number }): void {
      const of = list[index];
      if (of === undefined) return;
      const warmed_ppm = of.current_ppm + (warm_ppm[index] as number);
      reading.voltage_mv = scaled(reading.voltage_mv, of.voltage_ppm) + idiv(of.voltage_100uv, 10);
      reading.current_ua = scaled(reading.current_ua, warmed_ppm) + of.current_10ua * 10;
    },
    fast_ua(this: void, index: number, raw_ua: number): number {
      const of = list[index];
      if (of === undefined) return raw_ua;
      return scaled(raw_ua, of.fast_ppm + (warm_ppm[index] as number)) + of.fast_10ua * 10;
    },
    warmed(this: void, celsius_m: number | undefined): void {
      now_10mc = celsius_m === undefined ? UNKNOWN_10MC : idiv(celsius_m, 10);
      for (let i = 0; i < channels; i += 1) warm(i);
    },
    handlers: {
      calibration_set(this: void, body: Body, tag: number): void {
        const index = channelOf(body, tag);
        if (index < 0) return;
        const of = body as unknown as Calibration;
        const bytes = string.pack(
          RECORD,
          of.voltage_ppm,
          of.voltage_100uv,
          of.current_ppm,
          of.current_10ua,
          of.fast_ppm,
          of.fast_10ua,
          of.drift_ppm_k,
          of.at_10mc,
        );
        const refuse = (code: number): void => session().refuse(tag, code, "calibration_set");
        if (body["check"] !== bodyCheck(body["channel"] as number, 0, of.voltage_ppm & 65535))
          refuse(Refusal.bad_check);
        else if (storage.get(`calibration${index}`) !== bytes && busy()) refuse(Refusal.busy);
        else if (!storage.set(`calibration${index}`, bytes)) refuse(Refusal.not_stored);
        else {
          load(index);
          answer(index, tag);
        }
      },
      calibration_get(this: void, body: Body, tag: number): void {
        const index = channelOf(body, tag);
        if (index >= 0) answer(index, tag);
      },
    },
  };
}
