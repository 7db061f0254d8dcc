import type { BoardEnd } from "@mltb/simulators";
import type { ByteTransport, TransportHandlers } from "../src/link/transport.ts";

/** A serial line of its speed, with the buffers of a driver at both ends: what does not fit waits at its sender. */
export interface SlowLine {
  board: BoardEnd;
  host: ByteTransport;
  /** Share of the time since the last call in which the line carried something to the host. */
  load(): number;
}

const TICK_MS = 1;

export function slowLine(baud: number, buffer = 1024): SlowLine {
  const bytesPerTick = (baud / 10_000) * TICK_MS;
  let handlers: TransportHandlers | undefined;
  let timer: NodeJS.Timeout | undefined;
  let up = "";
  let down = "";
  let arrived = "";
  let credit = { up: 0, down: 0 };
  let ticks = 0;
  let busy = 0;
  const tick = (): void => {
    ticks += 1;
    if (up !== "") busy += 1;
    // An idle line saves nothing up.
    credit = {
      up: Math.min(bytesPerTick, up.length) + (credit.up % 1),
      down: Math.min(bytesPerTick, down.length) + (credit.down % 1),
    };
    const [toHost, toBoard] = [Math.floor(credit.up), Math.floor(credit.down)];
    arrived += down.slice(0, toBoard);
    down = down.slice(toBoard);
    const bytes = up.slice(0, toHost);
    up = up.slice(toHost);
    if (bytes !== "") handlers?.onBytes(Buffer.from(bytes, "latin1"));
  };
  return {
    board: {
      take() {
        const bytes = arrived;
        arrived = "";
        return bytes === "" ? undefined : bytes;
      },
      write(bytes) {
        up += bytes;
      },
      room: () => (handlers === undefined ? 0 : Math.max(0, buffer - up.length)),
    },
    host: {
      name: `line of ${baud} baud`,
      async open(next) {
        handlers = next;
        timer = setInterval(tick, TICK_MS);
      },
      write(bytes) {
        down += Buffer.from(bytes).toString("latin1");
      },
      room: () => Math.max(0, buffer - down.length),
      async close() {
        clearInterval(timer);
        handlers = undefined;
      },
    },
    load() {
      const share = ticks === 0 ? 0 : busy / ticks;
      ticks = 0;
      busy = 0;
      return share;
    },
  };
}
