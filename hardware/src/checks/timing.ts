import type { BoardDesign, Timing } from "../designs/types.ts";
import { digits, FindingCode, Notes, type Report } from "./finding.ts";
import { gateOff_ms } from "./gate-drive.ts";

/** Bits of a register read on I2C: address, pointer, address, two bytes, an acknowledge each, and start, restart, stop. */
const READ_BITS = 5 * 9 + 3;
/** Share of a period that a sweep may take: transfers of the firmware go between the parts. */
const SWEEP_SHARE = 0.5;
const MHZ = 1e6;

/** Clocks divide without rest, a frame fits between two conversions, a sweep into its period, an alert into the hard limit. */
export function checkTiming(design: BoardDesign): Report {
  const notes = new Notes(design, "timing");
  if (design.timing === null) return notes;
  checkConverter(design.timing.converter, notes);
  checkSweep(design, design.timing.sweep, notes);
  const { part, conversion_us, limit_us } = design.timing.alert;
  // A step in the middle of a shunt conversion may be missed by it: the bus follows, and the next one sees all of it.
  const seen_us = 3 * conversion_us;
  const opens_us = Math.max(0, ...design.paths.map(gateOff_ms).filter(Number.isFinite)) * 1000;
  const alert_us = seen_us + opens_us;
  notes.figure(
    "hard limit, alert of the monitor and open switch",
    `${digits(alert_us / 1000)} ms`,
    `${limit_us / 1000} ms`,
  );
  if (seen_us <= limit_us && alert_us > limit_us) {
    const message = `the slowest switch is open ${digits(opens_us / 1000)} ms after an alert that takes up to ${digits(seen_us / 1000)} ms, the hard limit is ${limit_us / 1000} ms`;
    notes.fault(FindingCode.switchOff, part, message, "give the gate a way to its sources with less resistance");
  } else if (alert_us > limit_us) {
    const message = `conversions of ${conversion_us} us make an alert take up to ${digits(alert_us / 1000)} ms, the hard limit is ${limit_us / 1000} ms`;
    notes.fault(FindingCode.alertTime, part, message, "set shorter conversions");
  }
  return notes;
}

function checkConverter(converter: Timing["converter"], notes: Notes): void {
  const { part, system_hz, clkin_hz, clkin_range_hz, oversampling, rate_hz, frame_bits, sclk_hz, sclk_max_hz } =
    converter;
  const fault = (message: string, mend: string): void => notes.fault(FindingCode.converterClock, part, message, mend);
  const divider = system_hz / clkin_hz;
  notes.figure(`${part}, system clock over CLKIN`, digits(divider), "a whole number");
  if (!Number.isInteger(divider)) {
    const message = `${system_hz / MHZ} MHz over ${clkin_hz / MHZ} MHz is ${digits(divider)}, so the clock output jitters`;
    fault(message, "choose a system clock that is a whole number of CLKIN");
  }
  const [low, high] = clkin_range_hz;
  if (clkin_hz < low || clkin_hz > high) {
    fault(
      `CLKIN of ${clkin_hz / MHZ} MHz is outside ${low / MHZ} to ${high / MHZ} MHz`,
      "change the clock or the power mode",
    );
  }
  // SBAS950B, 8.3.5: data rate = CLKIN / 2 / OSR.
  const gives = clkin_hz / 2 / oversampling;
  if (gives !== rate_hz) {
    const message = `CLKIN of ${clkin_hz / MHZ} MHz with OSR ${oversampling} gives ${gives} conversions a second, ${rate_hz} are said`;
    fault(message, "correct the rate or the oversampling");
  }
  const frame_us = (frame_bits / sclk_hz) * MHZ;
  const period_us = MHZ / rate_hz;
  notes.figure(`${part}, frame`, `${digits(frame_us)} us`, `${digits(period_us)} us`);
  if (frame_us > period_us) {
    const message = `a frame takes ${digits(frame_us)} us, the next begins after ${digits(period_us)} us`;
    fault(message, "clock it out faster or lower the rate");
  }
  if (sclk_hz > sclk_max_hz) {
    fault(`SCLK of ${sclk_hz / MHZ} MHz is above ${sclk_max_hz / MHZ} MHz`, "slow the SPI down");
  }
}

function checkSweep(design: BoardDesign, sweep: Timing["sweep"], notes: Notes): void {
  const bus = design.buses.find(({ name }) => name === sweep.bus);
  const parts = bus?.devices.length ?? 0;
  const takes_ms = (parts * sweep.registers * READ_BITS * 1000) / (bus?.hertz ?? 1);
  const allowed_ms = sweep.period_ms * SWEEP_SHARE;
  notes.figure(
    `${sweep.bus}, sweep of ${parts} monitors`,
    `${digits(takes_ms)} ms`,
    `${allowed_ms} of ${sweep.period_ms} ms`,
  );
  if (takes_ms <= allowed_ms) return;
  const message = `${parts} parts of ${sweep.registers} registers take ${digits(takes_ms)} ms of ${sweep.period_ms} ms, ${allowed_ms} ms are allowed`;
  notes.fault(FindingCode.sweepTime, sweep.bus, message, "read fewer registers, sweep less often or split the bus");
}
