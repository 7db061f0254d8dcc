import { setTimeout as sleep } from "node:timers/promises";
import { buildImage } from "@mltb/firmware/images";
import { floorBoard } from "@mltb/hardware";
import { fileTransport } from "../../host/supervisor/src/link/open.ts";
import { createQemuBoard, defaultRail, type QemuBoard, type QemuBoardOptions } from "../src/index.ts";
import type { Rung } from "./bench.ts";

/** A rung over a serial port, opened as the supervisor opens it; time is the host's. */
export async function serialRung(path: string): Promise<Rung> {
  const port = fileTransport(path);
  let received = "";
  const start = performance.now();
  await port.open({
    onBytes(chunk) {
      received += Buffer.from(chunk).toString("latin1");
    },
    onClose: () => undefined,
  });
  return {
    advance: (ms) => sleep(ms),
    now_ms: () => performance.now() - start,
    write: port.write,
    take() {
      const bytes = received;
      received = "";
      return bytes;
    },
    press() {
      throw new Error("nobody presses buttons here");
    },
    clock_us: () => Math.floor((performance.now() - start) * 1000),
    stop: port.close,
  };
}

/** A constant load of 1.2 W on channel 1 once its rail is up. */
const load: QemuBoardOptions["power_w"] = (rails) => [
  (rails[0]?.voltage_v ?? 0) > 0.9 * defaultRail.supply_v ? 1.2 : 0,
];

/** How late the emulator's pins may be seen: the interval of the polls, and what a busy machine adds to it. */
const LATE_US = 40_000;

/** The floor image in QEMU, over its UART's pseudo-terminal. */
export async function qemuImage(
  machine: QemuBoardOptions["machine"],
  more: Partial<QemuBoardOptions> = {},
): Promise<Rung & { board: QemuBoard }> {
  const { bin } = await buildImage(machine);
  const board = await createQemuBoard({ machine, image: bin, power_w: load, ...more });
  const rung = await serialRung(board.link);
  const { channels } = floorBoard;
  return {
    ...rung,
    board,
    world: {
      rails: board.rails,
      switches: () => channels.map(({ switch_pin }) => board.pins()[switch_pin] as number),
      reset: (channel) => board.pins()[channels[channel]?.reset_pin ?? -1] as number,
      onOutputs(changed) {
        board.onPins = changed;
      },
      late_us: LATE_US,
    },
    clock_us: board.now_us,
    async stop() {
      await rung.stop();
      await board.close();
    },
  };
}
