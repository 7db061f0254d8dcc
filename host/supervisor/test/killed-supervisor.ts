import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildBundle } from "@mltb/firmware";
import { createPtyCarrier, createSimulatedRack, type SimulatedRack } from "@mltb/simulators";
import { type Killable, killable } from "./killable.ts";

const targets = Array.from({ length: 8 }, (_, n) => `t${n + 1}`);

/** A supervisor in a process of its own, over a simulated board in this one: the board lives on when the supervisor is killed. */
export interface KilledBay extends Omit<Killable, "drop"> {
  rack: SimulatedRack;
  /** How often each target's switch has moved. */
  moves: Map<string, number>;
  rail(target: string): SimulatedRack["electronics"]["rails"][0];
  stop(): Promise<void>;
}

/** @param keeps the target that keeps its state when its lease ends; the others go off */
export async function killedBay(seed: number, keeps?: string): Promise<KilledBay> {
  const folder = mkdtempSync(join(tmpdir(), "mltb-kill-"));
  const file = join(folder, "bay.yml");
  const carrier = createPtyCarrier(join(folder, "board"));
  const lines = targets.map((target, n) => {
    const end = target === keeps ? "keep" : "off";
    return `      - { target: ${target}, channel: ${n + 1}, on_lease_end: ${end} }`;
  });
  const link = `    board: { name: board1, kind: monitoring, link: { serial: ${carrier.link} } }`;
  writeFileSync(file, ["bay: kill", "racks:", "  - rack: rack1", link, "    targets:", ...lines, ""].join("\n"));
  const rack = await createSimulatedRack({
    rack: "rack1",
    serial: "KILL",
    bundle: (await buildBundle("monitoring")).source,
    seed,
    clock: "real",
    carrier,
    targets: targets.map((name, n) => ({ name, channel: n + 1, load: { idle_w: 1, cpu_w: 0 } })),
  });
  const moves = new Map<string, number>();
  const rail = (target: string) =>
    rack.electronics.rails[targets.indexOf(target)] as SimulatedRack["electronics"]["rails"][0];
  for (const target of targets) {
    const of = rail(target);
    const { step } = of;
    let before = of.switchOn;
    of.step = (...args) => {
      if (of.switchOn !== before) moves.set(target, (moves.get(target) ?? 0) + 1);
      before = of.switchOn;
      return step(...args);
    };
  }
  rack.start();

  const { drop, ...supervisor } = killable(folder, file, carrier.link);
  const bay: KilledBay = {
    ...supervisor,
    rack,
    moves,
    rail,
    async stop() {
      drop();
      await rack.stop();
      carrier.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await bay.start();
  return bay;
}
