import { monitoringBoard } from "../boards/monitoring.ts";
import { monitoringDesign } from "./monitoring.ts";
import type { BoardDesign, PowerPath } from "./types.ts";

/** A rack: a supply for each class, one monitoring board, its panel, and up to eight targets. */
export interface RackDesign {
  board: BoardDesign;
  places: number;
  /** What the panel is. */
  panel: { columns: number; rows: number; buttons: string[] };
}

export const rackDesign: RackDesign = {
  board: monitoringDesign,
  places: monitoringBoard.channels.length,
  panel: {
    columns: monitoringBoard.lcd.columns,
    rows: monitoringBoard.lcd.rows,
    buttons: Object.keys(monitoringBoard.buttons),
  },
};

/** What of a bay file the hardware can judge. A bay that the host has read has this shape too. */
export interface BayWiring {
  bay: string;
  racks: {
    rack: string;
    board: { name: string; kind: string };
    targets: { target: string; channel: number; load?: BayLoad | undefined }[];
  }[];
}

export interface BayLoad {
  idle_w: number;
  cpu_w: number;
  boot_w?: number | undefined;
  capacitance_uf?: number | undefined;
}

/** Largest power that a file says of a target, one busy core taken: more cores are the scheduler's. */
export function largest_w(load: BayLoad): number {
  return Math.max(load.idle_w + load.cpu_w, load.boot_w ?? 1.3 * load.idle_w);
}

/** The path of a channel, or undefined where the rack's board has none. */
export function pathOf(design: BoardDesign, channel: number): PowerPath | undefined {
  return design.paths.find((path) => path.channel === channel);
}
