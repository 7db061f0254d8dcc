import type { BayRack } from "./bay.ts";

/** What the serial numbers of simulated boards begin with. */
export const SIMULATED_SERIAL = "SIM-";

/** What comes with a simulated board, as results name it: the rail that it switches, itself, and its marker inputs. */
const PARTS = ["rail", "board", "marker"];

/**
 * Parts that are simulated of what is measured at a rack's board: by its link in the bay file, or by the serial number that the
 * board itself says, also behind a real port. None of a real board.
 */
export function simulatedAt({ board }: Pick<BayRack, "board">, serial?: string): string[] {
  const simulated = board.link === "simulated" || serial?.startsWith(SIMULATED_SERIAL) === true;
  return simulated ? [...PARTS] : [];
}
