import { ADM1272 } from "@mltb/hardware";
import type { I2cPart } from "./i2c.ts";

/** What the monitor sees at its pins. */
export interface Adm1272Inputs {
  vin_v(): number;
  vout_v(): number;
  shunt_v(): number;
}

export interface Adm1272 extends I2cPart {
  /** Lets conversions complete up to this time; call it at least as often as the inputs change. */
  advance(now_us: number): void;
}

const C = ADM1272.commands;
/**
 * Longest time of one sample of current and input voltage, and of these and the output voltage, up to valid registers. They
 * are those of the ADM1276 (rev. C, table 1), an older part of the family: no copy of the ADM1272's own table was at hand.
 */
const SAMPLE_US = 280;
const SAMPLE_WITH_VOUT_US = 426;
/** VI_AVG of PMON_CONFIG: the power of two that is averaged. */
const AVERAGES_BIT = 8;

/**
 * ADM1272 at register level: PMBus command byte, words least significant byte first, block read of MFR_ID, voltages and
 * current in direct format of the 100 V and 30 mV ranges, PMON_CONFIG with its reset value, averages, an output voltage that is
 * converted only when it is enabled. Readings are 0 until the first conversion has ended, and then those of the last one; a
 * write of PMON_CONFIG begins another. Other ranges, single conversions, alerts, PMON_CONTROL (at its reset value it
 * converts) and the switch's own gate are not modelled.
 */
export function createAdm1272(inputs: Adm1272Inputs): Adm1272 {
  let command = 0;
  let index = 0;
  let config: number = ADM1272.pmon_config_reset;
  let written = 0;
  const readings = { vin: 0, vout: 0, iout: 0 };
  const sums = { vin_v: 0, vout_v: 0, shunt_v: 0 };
  let samples = 0;
  /** When the conversion under way ends; undefined until time is known. */
  let end_us: number | undefined;

  const withVout = (): boolean => (config & ADM1272.pmon_vout) !== 0;
  const cycle_us = (): number => (withVout() ? SAMPLE_WITH_VOUT_US : SAMPLE_US) * (1 << ((config >> AVERAGES_BIT) & 7));

  /** Twelve bits of the converter. */
  const code = (value: number): number => Math.max(0, Math.min(4095, Math.floor(value)));
  const volts = (value: number): number => code((value * ADM1272.volt_m) / 100);

  function begin(now_us: number): void {
    Object.assign(sums, { vin_v: 0, vout_v: 0, shunt_v: 0 });
    samples = 0;
    end_us = now_us + cycle_us();
  }

  function complete(): void {
    readings.vin = volts(sums.vin_v / samples);
    if (withVout()) readings.vout = volts(sums.vout_v / samples);
    // The current of the format is the shunt's voltage in millivolts.
    const shunt_mv = (1000 * sums.shunt_v) / samples;
    readings.iout = code((shunt_mv * ADM1272.ampere_m + ADM1272.ampere_b) / 10);
  }

  function word(): number {
    if (command === C.read_vin) return readings.vin;
    if (command === C.read_vout) return readings.vout;
    if (command === C.read_iout) return readings.iout;
    return command === C.pmon_config ? config : 0xffff;
  }

  return {
    advance(now_us) {
      if (end_us === undefined) begin(now_us);
      sums.vin_v += inputs.vin_v();
      sums.vout_v += inputs.vout_v();
      sums.shunt_v += inputs.shunt_v();
      samples += 1;
      const ended_us = end_us as number;
      if (now_us < ended_us) return;
      complete();
      const cycle = cycle_us();
      begin(ended_us + Math.floor((now_us - ended_us) / cycle) * cycle);
    },
    addressed(reading) {
      index = 0;
      if (!reading) written = 0;
      return true;
    },
    writeByte(value, now_us) {
      if (index === 0) command = value;
      else written |= value << (8 * (index - 1));
      if (index === 2 && command === C.pmon_config) {
        config = written;
        begin(now_us);
      }
      index += 1;
      return true;
    },
    readByte() {
      const at = index;
      index += 1;
      if (command === C.mfr_id) return at === 0 ? ADM1272.mfr_id.length : ADM1272.mfr_id.charCodeAt(at - 1) || 0xff;
      return at < 2 ? (word() >> (8 * at)) & 255 : 0xff;
    },
  };
}
