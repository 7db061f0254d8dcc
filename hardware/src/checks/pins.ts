import { picoInternal, picoPad } from "../controllers/pico.ts";
import { rp2040Functions } from "../controllers/rp2040.ts";
import type { BoardDesign } from "../designs/types.ts";
import { FindingCode, Notes, type Report } from "./finding.ts";

/** Functions that any number of pins may have; of every other one there is one in the chip. */
const SHARED = new Set(["SIO", "PIO0", "PIO1"]);

/** Every pin has one use, a pad on the module, and the function that its use needs; every bit of the chain has one line. */
export function checkPins(design: BoardDesign): Report {
  const notes = new Notes(design, "pins");
  const byPin = new Map<number, string>();
  const byName = new Map<string, number>();
  const byFunction = new Map<string, string>();
  for (const { pin, name, function: wanted } of design.pins) {
    const other = byPin.get(pin);
    if (other !== undefined) {
      notes.fault(FindingCode.pinTwice, `GP${pin}`, `${name} and ${other} both use it`, `move ${name} to a free pin`);
    }
    byPin.set(pin, name);
    const named = byName.get(name);
    if (named !== undefined) {
      const message = `GP${named} and GP${pin} both have this name`;
      notes.fault(FindingCode.nameTwice, name, message, "rename one: the header would define it twice");
    }
    byName.set(name, pin);
    const can = rp2040Functions[pin] ?? [];
    if (picoPad(pin) === undefined) {
      const why = picoInternal[pin] ?? "an RP2040 has 30 pins, GP0 to GP29";
      notes.fault(
        FindingCode.pinMissing,
        `GP${pin}`,
        `${name} needs it, but a Pico has no pad for it (${why})`,
        "move it",
      );
    } else if (!can.includes(wanted)) {
      const able = rp2040Functions.flatMap((functions, at) => (functions.includes(wanted) ? [`GP${at}`] : []));
      notes.fault(
        FindingCode.pinFunction,
        `GP${pin}`,
        `${name} needs ${wanted}, which this pin cannot be`,
        able.length === 0 ? `no pin can be ${wanted}: see the function table` : `use ${able.join(" or ")}`,
      );
    } else if (!SHARED.has(wanted)) {
      const also = byFunction.get(wanted);
      if (also !== undefined) {
        const message = `${name} and ${also} both want it`;
        notes.fault(FindingCode.pinTwice, wanted, message, "the chip has one: use another block for one of them");
      }
      byFunction.set(wanted, name);
    }
  }
  for (const pin of Object.keys(design.emulated_only)) {
    if (picoPad(Number(pin)) === undefined) continue;
    const message = "is said to exist in the emulated chip only, but a Pico has a pad for it";
    notes.fault(FindingCode.pinMissing, `GP${pin}`, message, "list it among the pins");
  }
  notes.figure("pins in use", `${byPin.size}`, "26 pads of a Pico");
  checkBits(design, notes);
  return notes;
}

function checkBits(design: BoardDesign, notes: Notes): void {
  const lines = new Map<number, string>();
  for (const { name, driver } of design.outputs) {
    if (!("bit" in driver)) continue;
    const other = lines.get(driver.bit);
    if (other !== undefined) {
      const message = `${name} and ${other} both use it`;
      notes.fault(FindingCode.bitTwice, `bit ${driver.bit} of the chain`, message, `move ${name} to a free bit`);
    }
    lines.set(driver.bit, name);
  }
  if (lines.size === 0) return;
  const last = Math.max(...lines.keys());
  if (last >= design.chain_bits) {
    const message = `${lines.get(last)} uses bit ${last}, the firmware shifts ${design.chain_bits}`;
    notes.fault(FindingCode.bitMissing, "output chain", message, "correct chain_bits or move the line");
  }
  for (let bit = 0; bit <= last; bit += 1) {
    if (lines.has(bit)) continue;
    const mend = "the firmware shifts whole bytes: give every bit a line or shorten the chain";
    notes.fault(FindingCode.bitMissing, `bit ${bit} of the chain`, "no line uses it", mend);
  }
  notes.figure("bits of the output chain", `${lines.size}`, `${Math.ceil((last + 1) / 8)} registers of 8`);
}
