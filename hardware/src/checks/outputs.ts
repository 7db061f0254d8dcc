import type { BoardDesign, OutputGate } from "../designs/types.ts";
import { digits, FindingCode, Notes, type Report } from "./finding.ts";

/** Longest time that a gate may stay open after the last edge, in milliseconds, and the shortest. */
export function gateTime_ms(gate: OutputGate): { least: number; most: number } {
  const typical = gate.factor * gate.resistor_ohm * gate.capacitor_uf * 1e-3;
  return { least: typical * (1 - gate.spread), most: typical * (1 + gate.spread) };
}

/** Lines stand at their safe level while nobody drives them, and a gate that firmware keeps open takes them away. */
export function checkOutputs(design: BoardDesign): Report {
  const notes = new Notes(design, "outputs");
  let chained = false;
  for (const { name, driver, safe, pull, pull_ohm } of design.outputs) {
    const where = "bit" in driver ? `bit ${driver.bit}` : `GP${driver.pin}`;
    chained ||= "bit" in driver;
    const right = safe === "low" ? "down" : "up";
    if ("pin" in driver && !design.pins.some((use) => use.pin === driver.pin && use.direction === "out")) {
      const message = `${where} drives it, which is no output in the list of pins`;
      notes.fault(FindingCode.outputPull, `line ${name}`, message, "list the pin as an output");
    }
    if (pull !== right || pull_ohm <= 0) {
      const has = pull === null || pull_ohm <= 0 ? "nothing holds it" : `its resistor pulls it ${pull}`;
      const message = `${has} while ${where} is not driven, and ${safe} is its safe level`;
      notes.fault(FindingCode.outputPull, `line ${name}`, message, `fit a pull-${right} of 10 kOhm`);
    }
  }
  const gate = design.gate;
  if (gate === null) {
    if (chained) {
      const message = "nothing disables the shift registers when firmware stops";
      notes.fault(FindingCode.outputEnable, "output enable", message, "gate it with a retriggerable one-shot");
    }
    return notes;
  }
  checkGate(design, gate, notes);
  return notes;
}

function checkGate(design: BoardDesign, gate: OutputGate, notes: Notes): void {
  const subject = `gate ${gate.part}`;
  const kick = design.pins.find((use) => use.pin === gate.kick_pin);
  if (gate.enable.driven_by !== "gate" || gate.enable.idle !== "disabled") {
    const message =
      gate.enable.driven_by === "fixed"
        ? "the output enable is wired to a fixed level, so outputs outlive the firmware"
        : "its idle level enables the outputs";
    notes.fault(
      FindingCode.outputEnable,
      subject,
      message,
      "drive the output enable from the one-shot's inverted output",
    );
  }
  if (gate.supervisor === null) {
    const message = "nothing holds it shut while the supply comes up, so the first edges may be noise";
    notes.fault(FindingCode.outputEnable, subject, message, "hold its reset with a supervisor of the 3.3 V rail");
  }
  if (kick?.direction !== "out") {
    const message = `its edges come from GP${gate.kick_pin}, which is ${kick === undefined ? "free" : `${kick.name}, no output`}`;
    notes.fault(FindingCode.outputEnable, subject, message, "take them from the latch clock");
  }
  const time = gateTime_ms(gate);
  notes.figure(
    `${subject} stays open without an edge`,
    `${digits(time.least)} to ${digits(time.most)} ms`,
    `above ${gate.kick_every_ms} ms, at most ${gate.limit_ms} ms`,
  );
  if (time.most > gate.limit_ms || time.least <= gate.kick_every_ms) {
    const message = `it stays open for ${digits(time.least)} to ${digits(time.most)} ms; firmware gives an edge every ${gate.kick_every_ms} ms and outputs must be gone after ${gate.limit_ms} ms`;
    const best = (gate.limit_ms / (1 + gate.spread) / gate.factor / gate.capacitor_uf) * 1000;
    notes.fault(
      FindingCode.outputTime,
      subject,
      message,
      `fit at most ${Math.floor(best / 1000)} kOhm with ${gate.capacitor_uf} uF`,
    );
  }
}
