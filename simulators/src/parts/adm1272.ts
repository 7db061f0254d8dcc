import { ADM1272 } from "@mltb/hardware";
import type { I2cPart } from "./i2c.ts";

/** What the monitor sees at its pins. */
export interface Adm1272Inputs {
  vin_v(): number;
  vout_v(): number;
  shunt_v(): number;
}

const C = ADM1272.commands;

/**
 * ADM1272 at register level: PMBus command byte, words least significant byte first, block read of MFR_ID, voltages and
 * current in direct format of the 100 V and 30 mV ranges, PMON_CONFIG with its reset value, an output voltage that is
 * converted only when it is enabled. A reading is the quantity at that moment: conversion times are not modelled, nor are other
 * ranges, averages, alerts, PMON_CONTROL and the switch's own gate.
 */
export function createAdm1272(inputs: Adm1272Inputs): I2cPart {
  let command = 0;
  let index = 0;
  let config: number = ADM1272.pmon_config_reset;
  let written = 0;

  /** Twelve bits of the converter, or none of a quantity that is not converted. */
  const code = (value: number): number => Math.max(0, Math.min(4095, Math.floor(value)));
  const volts = (value: number): number => code((value * ADM1272.volt_m) / 100);

  function word(): number {
    if (command === C.read_vin) return volts(inputs.vin_v());
    if (command === C.read_vout) return (config & ADM1272.pmon_vout) === 0 ? 0 : volts(inputs.vout_v());
    // The current of the format is the shunt's voltage in millivolts.
    if (command === C.read_iout) return code((inputs.shunt_v() * 1000 * ADM1272.ampere_m + ADM1272.ampere_b) / 10);
    return command === C.pmon_config ? config : 0xffff;
  }

  return {
    addressed(reading) {
      index = 0;
      if (!reading) written = 0;
      return true;
    },
    writeByte(value) {
      if (index === 0) command = value;
      else written |= value << (8 * (index - 1));
      if (index === 2 && command === C.pmon_config) config = written;
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
