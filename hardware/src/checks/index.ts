import type { BoardDesign } from "../designs/types.ts";
import { checkBom } from "./bom.ts";
import { checkBuses } from "./buses.ts";
import type { Report } from "./finding.ts";
import { checkGateWiring } from "./gate-wiring.ts";
import { checkOutputs } from "./outputs.ts";
import { checkPins } from "./pins.ts";
import { checkPower } from "./power.ts";
import { checkSensing } from "./sensing.ts";
import { checkSupplies } from "./supplies.ts";
import { checkThermal } from "./thermal.ts";
import { checkTiming } from "./timing.ts";
import { checkWiring } from "./wiring.ts";

/** All checks of a board, in the order in which their findings are best mended. */
export function checkBoard(design: BoardDesign): Report {
  const reports = [
    checkPins,
    checkBom,
    checkWiring,
    checkGateWiring,
    checkBuses,
    checkSensing,
    checkTiming,
    checkPower,
    checkSupplies,
    checkThermal,
    checkOutputs,
  ].map((check) => check(design));
  return {
    findings: reports.flatMap(({ findings }) => findings),
    figures: reports.flatMap(({ figures }) => figures),
  };
}
