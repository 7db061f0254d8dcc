import { createPtyCarrier } from "./link/pty.ts";
import { createSimulatedRack, type SimulatedRack } from "./rack.ts";

/** A monitoring board by itself on a pseudo-terminal. */
export interface StandaloneBoard {
  link: string;
  device: string;
  rack: SimulatedRack;
  close(): Promise<void>;
}

/** Runs the real bundle on a pseudo-terminal, with a resistive load of about a watt behind every channel. */
export async function simulateBoard(options: {
  bundle: string;
  link: string;
  serial: string;
  seed: number;
}): Promise<StandaloneBoard> {
  const carrier = createPtyCarrier(options.link);
  try {
    const rack = await createSimulatedRack({
      rack: "standalone",
      serial: options.serial,
      bundle: options.bundle,
      seed: options.seed,
      clock: "real",
      carrier,
      targets: Array.from({ length: 8 }, (_, n) => ({
        name: `target-${n + 1}`,
        channel: n + 1,
        load: { idle_w: 1, cpu_w: 0 },
      })),
    });
    rack.start();
    return {
      link: carrier.link,
      device: carrier.device,
      rack,
      async close() {
        await rack.stop();
        carrier.close();
      },
    };
  } catch (error) {
    carrier.close();
    throw error;
  }
}
