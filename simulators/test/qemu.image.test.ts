import { missingImagePackages } from "@mltb/firmware/images";
import { describe } from "vitest";
import { missingQemuPackages } from "../src/index.ts";
import { openBench } from "./bench.ts";
import { qemuImage } from "./qemu-rungs.ts";
import { scenarios } from "./scenarios/index.ts";
import { runScenarios } from "./scenarios/run.ts";

const missing = [...missingImagePackages(), ...missingQemuPackages()];
if (missing.length > 0) console.warn(`QEMU image tests skip: apt-get install ${missing.join(" ")}`);

describe.skipIf(missing.length > 0)("floor image on QEMU's ast1030-evb", () => {
  runScenarios("ast1030 in QEMU", scenarios, async () => openBench(await qemuImage("ast1030")));
});

describe.skipIf(missing.length > 0)("floor image on QEMU's lm3s6965evb, 64 KiB and 32-bit numbers", () => {
  runScenarios("lm3s6965 in QEMU (floor)", scenarios, async () => openBench(await qemuImage("lm3s6965")));
});
