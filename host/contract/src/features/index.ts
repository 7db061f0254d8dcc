import { bay } from "./bay.ts";
import { board } from "./board.ts";
import { calibration } from "./calibration.ts";
import { configuration } from "./configuration.ts";
import { console } from "./console.ts";
import { faults } from "./faults.ts";
import type { Call, Feature } from "./feature.ts";
import { health } from "./health.ts";
import { lease } from "./lease.ts";
import { locate } from "./locate.ts";
import { log } from "./log.ts";
import { markers } from "./markers.ts";
import { measure } from "./measure.ts";
import { panel } from "./panel.ts";
import { power } from "./power.ts";
import { recording } from "./recording.ts";
import { reset } from "./reset.ts";
import { store } from "./store.ts";
import { strap } from "./strap.ts";
import { target } from "./target.ts";

/** Every feature of a bay by its name: the one description of HTTP, MQTT, gRPC and pages. */
export const features = {
  target,
  power,
  reset,
  strap,
  measure,
  faults,
  panel,
  markers,
  health,
  locate,
  calibration,
  lease,
  recording,
  log,
  store,
  configuration,
  console,
  board,
  bay,
};

/** The same as a list, with the calls of every feature as plain descriptions. */
export const featureList: Feature[] = Object.values(features) as unknown as Feature[];

/** Every call with the feature and its name in it, in the order of the list. */
export function calls(): { feature: Feature; name: string; call: Call }[] {
  return featureList.flatMap((entry) =>
    Object.entries(entry.calls).map(([name, call]) => ({ feature: entry, name, call })),
  );
}
