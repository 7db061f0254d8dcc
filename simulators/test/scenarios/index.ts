import { busScenarios } from "./buses.ts";
import { calibrationScenarios } from "./calibration.ts";
import { faultScenarios } from "./faults.ts";
import { limitScenarios } from "./limits.ts";
import { lineScenarios } from "./lines.ts";
import { linkScenarios } from "./link.ts";
import { measureScenarios } from "./measure.ts";
import { panelScenarios } from "./panel.ts";
import { selectScenarios } from "./panel-select.ts";
import { policyScenarios } from "./policies.ts";
import { powerScenarios } from "./power.ts";
import { protectionScenarios } from "./protection.ts";
import { readbackScenarios } from "./readback.ts";
import type { Scenario } from "./scenario.ts";
import { updateScenarios } from "./update.ts";

/** Every scenario, in the order of the table in docs/firmware.md. */
export const scenarios: Scenario[] = [
  ...linkScenarios,
  ...powerScenarios,
  ...protectionScenarios,
  ...faultScenarios,
  ...busScenarios,
  ...limitScenarios,
  ...readbackScenarios,
  ...lineScenarios,
  ...policyScenarios,
  ...calibrationScenarios,
  ...measureScenarios,
  ...panelScenarios,
  ...selectScenarios,
  ...updateScenarios,
];
