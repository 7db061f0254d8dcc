import { monitoringBoard } from "../src/boards/monitoring.ts";
import { managedUsbDesign } from "../src/designs/managed-usb.ts";
import { monitoringDesign, monitoringDesign12 } from "../src/designs/monitoring.ts";
import { type BayWiring, rackDesign } from "../src/designs/rack.ts";
import type { BoardDesign } from "../src/designs/types.ts";
import { pinHeaderC, pinHeaderTs, ratingsTs } from "../src/headers.ts";
import { type BoardText, boardPage, bomPage } from "./board.ts";
import { calibrationPage } from "./calibration.ts";
import { page, table } from "./markdown.ts";
import { partsPage } from "./parts.ts";
import { pinoutSvg } from "./pinout.ts";
import { rackPage } from "./rack.ts";
import { managedUsbText, monitoringText } from "./texts.ts";

/** Every board that is checked. */
export const designs: readonly BoardDesign[] = [monitoringDesign, monitoringDesign12, managedUsbDesign];

const documented: readonly [BoardDesign, BoardText, BoardDesign | null][] = [
  [monitoringDesign, monitoringText, monitoringDesign12],
  [managedUsbDesign, managedUsbText, null],
];

function indexPage(): string {
  const rows = documented.map(([{ name, title, copper }]) => [
    `[${title}](${name}.md)`,
    `[drawing](${name}-pinout.svg)`,
    `[parts](${name}-bom.md)`,
    copper,
  ]);
  return page(
    "Hardware",
    "Boards, rack and bay as data in `hardware/src`: parts with the facts of their data sheets (`parts/`, `catalogue/`), pins and addresses that firmware reads (`boards/`), designs that a builder needs (`designs/`), and checks over them (`checks/`).",
    table(["board", "pins", "bill of materials", "state"], rows),
    "* [Rack and example bay](rack.md)\n* [Parts that firmware talks to](parts.md): registers, times, limits\n* [Calibration](calibration.md)",
    "## Commands\n\n| command | what it does |\n|---|---|\n| `npm run -s hardware -- check` | checks every board and the example bay; a line for each clash with its mend; exit 0 or 2 |\n| `npm run -s hardware -- check --bay FILE --json` | another bay; one JSON document with findings and figures |\n| `npm run -s hardware -- docs` | writes these pages, the drawings, the pin headers and the ratings that bay files are held to again |",
    "## What is estimated\n\nTemperatures take the data sheet's thermal resistance and no neighbour; capacitance of traces and cables is 1 pF/cm; the hot resistance of the MOSFETs is 1.4 times the cold one, their capacitances are the typical ones within 20 %; ceramic capacitors of the converters keep half; what a board itself draws is a sum of its parts; spread of the gate's time is 15 %; fuses carry three quarters of their rating at 25 C and lose a fifth of that on the line to 70 C, whatever their own curves say. A first board must be measured before its limits are trusted.",
  );
}

/** All generated files by their path in the repository. */
export function generatedFiles(bay: BayWiring, bayFile: string): Map<string, string> {
  const files = new Map<string, string>();
  files.set("docs/hardware/README.md", indexPage());
  for (const [design, text, other] of documented) {
    files.set(`docs/hardware/${design.name}.md`, boardPage(design, text));
    files.set(`docs/hardware/${design.name}-bom.md`, bomPage(design, other));
    files.set(`docs/hardware/${design.name}-pinout.svg`, pinoutSvg(design));
    files.set(`hardware/generated/${design.name}-pins.h`, pinHeaderC(design.title, design.pins));
    files.set(`hardware/generated/${design.name}-pins.ts`, pinHeaderTs(design.title, design.pins));
  }
  files.set("host/contract/generated/monitoring-ratings.ts", ratingsTs(monitoringBoard));
  files.set("docs/hardware/parts.md", partsPage());
  files.set("docs/hardware/rack.md", rackPage(rackDesign, bay, bayFile));
  files.set("docs/hardware/calibration.md", calibrationPage());
  return files;
}
