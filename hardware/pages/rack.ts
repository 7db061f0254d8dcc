import { monitoringBoard } from "../src/boards/monitoring.ts";
import { checkBay } from "../src/checks/bay.ts";
import { digits } from "../src/checks/finding.ts";
import type { BayWiring, RackDesign } from "../src/designs/rack.ts";
import { largest_w, pathOf } from "../src/designs/rack.ts";
import { hex, page, table } from "./markdown.ts";

function connectorTable(): string {
  return table(
    ["connector", "pin 1", "pin 2", "pin 3", "pin 4"],
    [
      ["J1 to J8, power of channel 1 to 8", "rail", "ground", "", ""],
      [
        "J9 to J16, lines of channel 1 to 8",
        "ground",
        "reset (open drain)",
        "strap (open drain)",
        "marker (input, 3.3 V)",
      ],
      ["J20, panel", "ground", "3.3 V", "SDA", "SCL"],
      ["J21, J22, feeds of the 5 V and the 12 V class", "plus", "ground", "", ""],
    ],
  );
}

function bayTable(bay: BayWiring, design: RackDesign): string {
  return bay.racks
    .map(({ rack, board, targets }) => {
      const rows = targets.map(({ target, channel, load }) => {
        const path = pathOf(design.board, channel);
        const data = monitoringBoard.channels.find(({ number }) => number === channel);
        if (path === undefined || data === undefined) return [target, channel, "-", "-", "-", "-", "-"];
        return [
          target,
          channel,
          `${path.connector_name}, J${8 + channel}`,
          path.supply.name,
          hex(data.monitor_address),
          `GP${data.marker_pin}`,
          load === undefined ? "-" : `${digits(largest_w(load) / path.supply.nominal_v)} of ${path.limits.rated_a} A`,
        ];
      });
      const head = `Rack \`${rack}\`, board \`${board.name}\` (${board.kind}):`;
      return `${head}\n\n${table(["target", "channel", "connectors", "class", "monitor", "marker", "largest current"], rows)}`;
    })
    .join("\n\n");
}

/** Page of a rack and of a bay that is built from racks. */
export function rackPage(design: RackDesign, bay: BayWiring, file: string): string {
  const feeds = design.board.feeds.map(({ name, connector, fuse, branches, supply, own }) => [
    name,
    `${supply.maker} ${supply.part}, ${supply.volts} V, ${supply.rated_a} A`,
    `${fuse.part} for channels ${branches.map((channels) => channels.join(", ")).join("; for ")}`,
    own.fuse === null ? `${own.ampere} A, behind ${fuse.part}` : `${own.ampere} A, ${own.fuse.part}`,
    connector.part,
  ]);
  const { figures } = checkBay(bay, design);
  const { columns, rows, buttons } = design.panel;
  return page(
    "Rack and example bay",
    `A rack is a supply for each class in use, one monitoring board, its panel (display of ${columns} x ${rows}, buttons ${buttons.join(", ")}) and up to ${design.places} targets.`,
    `**State:** ${design.board.copper}`,
    `## Supply\n\n${table(["feed", "supply", "fuses of the channels", "the board's own draw and fuse", "connector"], feeds)}`,
    "A supply has no switch that the board could open: no pin is left for one. The rack is off when all its channels are off, and the controller lives from whichever feed is there, also without its host.",
    `## Connectors\n\n${connectorTable()}`,
    "Reset and strap lines are open drains and bear 60 V; a marker is read at 3.3 V, so a target of another level needs a shifter. A clamp at J1 to J8 takes what a long cable rings.",
    `## Example bay\n\n\`${file}\`, as the hardware sees it. Its loads are those of the simulation.`,
    bayTable(bay, design),
    ...figures
      .filter(({ subject }) => subject.endsWith("all targets busy"))
      .map(({ subject, value, limit }) => `${subject}: ${value} of ${limit}.`),
  );
}
