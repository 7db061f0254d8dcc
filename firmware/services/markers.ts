import type { MonitoringBoard } from "@mltb/hardware";
import type { BoardSession } from "@mltb/protocol";

export interface Markers {
  tick(this: void): void;
}

/** Edges of the targets' marker inputs, captured with device time by the runtime, reported as events. */
export function createMarkers(hal: Hal, board: MonitoringBoard, session: () => BoardSession): Markers {
  let mask = 0;
  const channelOf: Record<number, number> = {};
  for (const channel of board.channels) {
    hal.gpio_mode(channel.marker_pin, 0);
    mask += 1 << channel.marker_pin;
    channelOf[channel.marker_pin] = channel.number;
  }
  hal.edges_start(mask);

  const take = hal.edge_take;
  return {
    tick(this: void): void {
      if (take === undefined) return;
      while (true) {
        const [pin, level, tick_us, first] = take();
        if (pin === undefined) return;
        const channel = channelOf[pin];
        if (channel !== undefined) session().event("marker_edge", { channel, level, tick_us, first });
      }
    },
  };
}
