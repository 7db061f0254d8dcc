import { buildBundle } from "@mltb/firmware";
import { createSimulatedRack, type RackOptions } from "../../src/index.ts";
import type { MonitoringRung } from "../bench.ts";
import { rackRung } from "../rungs.ts";

/** A Lua board whose link moves with its time alone, with what a long run needs: nothing hangs on the channels but what the model adds. */
export async function modelBoard(options: Partial<RackOptions> = {}): Promise<{
  rung: MonitoringRung;
  powerCycle(): Promise<void>;
  rack: Awaited<ReturnType<typeof createSimulatedRack>>;
}> {
  let toBoard = "";
  let toHost = "";
  const rack = await createSimulatedRack({
    rack: "model",
    serial: "V1",
    bundle: (await buildBundle("monitoring")).source,
    seed: 1,
    clock: "virtual",
    targets: [],
    carrier: {
      take() {
        const bytes = toBoard;
        toBoard = "";
        return bytes === "" ? undefined : bytes;
      },
      write(bytes) {
        toHost += bytes;
      },
      room: () => 65_536,
    },
    ...options,
  });
  const rung: MonitoringRung = {
    ...(await rackRung(rack)),
    write(bytes) {
      toBoard += Buffer.from(bytes).toString("latin1");
    },
    take() {
      const bytes = toHost;
      toHost = "";
      return bytes;
    },
  };
  return { rung, powerCycle: rack.powerCycle, rack };
}
