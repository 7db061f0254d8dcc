import { missingImagePackages } from "@mltb/firmware/images";
import { bodyCheck, Fault, Outcome, PowerAction } from "@mltb/protocol";
import { describe, expect, test } from "vitest";
import { missingQemuPackages } from "../src/index.ts";
import { openBench } from "./bench.ts";
import { qemuImage } from "./qemu-rungs.ts";
import { scenarios } from "./scenarios/index.ts";
import { runScenarios } from "./scenarios/run.ts";

const missing = [...missingImagePackages(), ...missingQemuPackages()];
if (missing.length > 0) console.warn(`QEMU image tests skip: apt-get install ${missing.join(" ")}`);

describe.skipIf(missing.length > 0).each(["ast1030", "lm3s6965"] as const)("parts of the %s in QEMU", (machine) => {
  test("the TMP105's temperature is read to its 62.5 millidegrees, below zero too", async () => {
    for (const [set, read] of [
      [37_250, 37_250],
      [-12_500, -12_500],
    ]) {
      const rung = await qemuImage(machine);
      await rung.board.temperature(set as number);
      const bench = await openBench(rung);
      await bench.run(200);
      expect(bench.messages.map(({ body }) => body["text"])).toContain(`${read} mC`);
      await bench.stop();
    }
  });

  test("missing-monitor: a channel without its ADM1272 is not switched on, the other one is", async () => {
    const bench = await openBench(await qemuImage(machine, { withoutMonitors: [2] }));
    const on = { action: PowerAction.on, off_ms: 0 };
    const lame = { channel: 2, ...on, check: bodyCheck(2, PowerAction.on, 0) };
    expect(await bench.request("power_set", lame)).toMatchObject({
      body: { outcome: Outcome.fault, fault: Fault.sensor_dead, switch_on: 0 },
    });
    const sound = { channel: 1, ...on, check: bodyCheck(1, PowerAction.on, 0) };
    expect(await bench.request("power_set", sound)).toMatchObject({ body: { outcome: Outcome.done, switch_on: 1 } });
    expect(bench.world.switches()).toEqual([1, 0]);
    await bench.stop();
  });
});

describe.skipIf(missing.length > 0)("floor image on QEMU's ast1030-evb", () => {
  runScenarios("ast1030 in QEMU", scenarios, async () => openBench(await qemuImage("ast1030")));
});

describe.skipIf(missing.length > 0)("floor image on QEMU's lm3s6965evb, 64 KiB and 32-bit numbers", () => {
  runScenarios("lm3s6965 in QEMU (floor)", scenarios, async () => openBench(await qemuImage("lm3s6965")));
});
