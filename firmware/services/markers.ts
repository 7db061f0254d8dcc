import type { MonitoringBoard } from "@mltb/hardware";
import type { BoardSession } from "@mltb/protocol";

/** Reliable frames that may wait for the host: more edges wait in the runtime, which counts those that it has no room for. */
const WAITING = 16;

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
      const { port, event } = session();
      const { delivery } = port;
      while (delivery.first === undefined || ((delivery.nextSeq - delivery.first.seq) & 255) < WAITING) {
        const [pin, level, tick_us, first] = take();
        if (pin === undefined) return;
        event("marker_edge", { channel: channelOf[pin] as number, level, tick_us, first });
      }
    },
  };
}
