import type { BoardDesign, PowerPath, Trace } from "../designs/types.ts";
import { digits, FindingCode, Notes, type Report } from "./finding.ts";
import { shuntRating_w } from "./sensing.ts";

/** Margin that an estimate leaves to a part's highest temperature. */
const MARGIN_K = 25;
/** Rise that a trace may have: laminate ages above. */
const TRACE_K = 20;
/** Copper, Ohm metres at 20 degrees. */
const COPPER = 1.72e-8;
const SQUARE_MIL_PER_MM2 = 1550;

/**
 * Rise of an outer trace above the board in kelvins: IPC-2221B, 6.2, solved for the temperature:
 * I = 0.048 dT^0.44 A^0.725, with A in square mils.
 */
export function traceRise_k(trace: Trace, ampere: number): number {
  const area = trace.width_mm * (trace.copper_um / 1000) * SQUARE_MIL_PER_MM2;
  return (ampere / (0.048 * area ** 0.725)) ** (1 / 0.44);
}

/** Resistance of a trace at 20 degrees, in ohms. */
export function trace_ohm(trace: Trace): number {
  return (COPPER * trace.length_mm * 1e-3) / (trace.width_mm * 1e-3 * trace.copper_um * 1e-6);
}

/** Heat and temperatures of a channel that carries its hard limit for ever: the time of the slow limit is the user's. */
export function channelHeat(path: PowerPath, ambient_c: number) {
  const square = path.limits.hard_a ** 2;
  const part = path.switch;
  const switch_w = square * part.on_ohm * part.hot_factor;
  const shunt_w = square * path.shunt.ohm;
  const trace_w = square * trace_ohm(path.trace);
  const fuse_w = square * (path.fuse?.cold_ohm ?? 0);
  const [full, none] = path.shunt.derate_c;
  return {
    switch_w: switch_w * part.in_series,
    shunt_w,
    trace_w,
    fuse_w,
    total_w: switch_w * part.in_series + shunt_w + trace_w + fuse_w,
    junction_c: ambient_c + switch_w * part.junction_k_per_w,
    // The derating line is the shunt's thermal resistance to its surroundings.
    shunt_c: ambient_c + (shunt_w * (none - full)) / path.shunt.rated_w,
    trace_k: traceRise_k(path.trace, path.limits.hard_a),
  };
}

/** A channel at its limit: junction of the switch, shunt and trace. An estimate: parts warm each other, air moves. */
export function checkThermal(design: BoardDesign): Report {
  const notes = new Notes(design, "thermal");
  for (const path of design.paths) {
    const heat = channelHeat(path, design.ambient_c);
    const subject = `channel ${path.channel}`;
    const at = `at ${path.limits.hard_a} A in air of ${design.ambient_c} C`;
    const hottest = path.switch.junction_max_c - MARGIN_K;
    notes.figure(`${subject}, heat ${at}`, `${digits(heat.total_w)} W`, "switch, shunt, trace, fuse");
    notes.figure(`${subject}, junction of ${path.switch.part}`, `${digits(heat.junction_c)} C`, `${hottest} C`);
    notes.figure(
      `${subject}, ${path.shunt.part}`,
      `${digits(heat.shunt_c)} C`,
      `${path.shunt.derate_c[1] - MARGIN_K} C`,
    );
    notes.figure(`${subject}, trace`, `${digits(heat.trace_k)} K above the board`, `${TRACE_K} K`);
    if (heat.junction_c > hottest) {
      const message = `the junction of ${path.switch.part} comes to ${digits(heat.junction_c)} C ${at}, ${hottest} C are allowed`;
      notes.fault(
        FindingCode.hot,
        subject,
        message,
        "take a switch with less resistance or more copper, or lower hard_a",
      );
    }
    if (heat.shunt_c > path.shunt.derate_c[1] - MARGIN_K || shuntRating_w(path.shunt, design.ambient_c) === 0) {
      const message = `${path.shunt.part} comes to ${digits(heat.shunt_c)} C ${at}, ${path.shunt.derate_c[1] - MARGIN_K} C are allowed`;
      notes.fault(FindingCode.hot, subject, message, "fit a lower resistance or a larger size");
    }
    if (heat.trace_k > TRACE_K) {
      const message = `its trace of ${path.trace.width_mm} mm gets ${digits(heat.trace_k)} K warmer than the board ${at}, ${TRACE_K} K are allowed`;
      notes.fault(FindingCode.hot, subject, message, "make the trace wider or the copper thicker");
    }
  }
  return notes;
}
