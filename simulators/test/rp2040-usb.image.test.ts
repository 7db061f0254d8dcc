import { missingImagePackages } from "@mltb/firmware/images";
import { configurationDescriptor, deviceDescriptor, hidReportDescriptor, monitoringUsb } from "@mltb/hardware";
import { describe, expect, test } from "vitest";
import { openBench } from "./bench.ts";
import { rp2040Image } from "./rungs.ts";
import { scenarios } from "./scenarios/index.ts";
import { linkScenarios } from "./scenarios/link.ts";
import { measureScenarios } from "./scenarios/measure.ts";
import { LONG, runScenarios } from "./scenarios/run.ts";
import type { Scenario } from "./scenarios/scenario.ts";

const missing = missingImagePackages();
const givesWay = scenarios.find(({ name }) => name.startsWith("a bundle that fails while it boots gives way"));
/**
 * In the short form what goes on beyond the link runs over the UART alone (`rp2040.image.test.ts`); here runs what a carrier can
 * matter to: the link itself, streams, and one switch.
 */
const byCarrier = new Set([
  ...linkScenarios,
  ...measureScenarios,
  ...scenarios.filter(({ name }) => name.startsWith("on is answered") || name.startsWith("hard over-current opens")),
]);
const passedOver = (scenario: Scenario): boolean => !LONG && (scenario.heavy === true || !byCarrier.has(scenario));

describe.skipIf(missing.length > 0)("RP2040 image over its USB serial line", () => {
  test("enumerates with descriptors of the hardware data, answers standard requests, stalls what it does not know", async () => {
    const rung = await rp2040Image("cdc");
    const bench = await openBench(rung);
    expect(bench.welcome()?.serial).toMatch(/^[0-9A-F]{16}$/);
    const { usb } = rung.board;
    const found = usb.enumeration();
    expect([...(found?.device ?? [])]).toEqual(deviceDescriptor(monitoringUsb));
    expect([...(found?.configuration ?? [])]).toEqual(configurationDescriptor(monitoringUsb));
    expect([...(found?.report ?? [])]).toEqual(hidReportDescriptor());
    expect(found?.strings).toEqual([monitoringUsb.manufacturer, monitoringUsb.product, bench.welcome()?.serial]);
    const ask = async (...setup: number[]): Promise<number[] | undefined> => {
      const answer = usb.control(setup);
      rung.board.run(5000);
      const bytes = await answer;
      return bytes === undefined ? undefined : [...bytes];
    };
    expect(await ask(0x80, 8, 0, 0, 0, 0, 1, 0)).toEqual([1]);
    expect(await ask(0x80, 0, 0, 0, 0, 0, 2, 0)).toEqual([0, 0]);
    // The line coding that the host set while it enumerated: 115,200 baud, 8N1.
    expect(await ask(0xa1, 0x21, 0, 0, 0, 0, 7, 0)).toEqual([0, 0xc2, 1, 0, 0, 0, 8]);
    // Halt of the data endpoint, and its end.
    expect(await ask(0x02, 3, 0, 0, 0x82, 0, 0, 0)).toEqual([]);
    expect(await ask(0x82, 0, 0, 0, 0x82, 0, 2, 0)).toEqual([1, 0]);
    expect(await ask(0x02, 1, 0, 0, 0x82, 0, 0, 0)).toEqual([]);
    expect(await ask(0x80, 6, 0, 0x0f, 0, 0, 5, 0)).toBeUndefined();
    expect(await ask(0xc0, 0x77, 0, 0, 0, 0, 5, 0)).toBeUndefined();
    expect(await ask(0x80, 8, 0, 0, 0, 0, 1, 0)).toEqual([1]);
    expect(usb.counters.toggle_errors).toBe(0);
  });

  test("a host that does not fetch, and a cable that is pulled: the board goes on, and answers when it is back", async () => {
    const rung = await rp2040Image("cdc");
    const bench = await openBench(rung);
    rung.board.usb.paused = true;
    await bench.run(1500);
    rung.board.usb.paused = false;
    await bench.run(1500);
    expect((await bench.request("echo", { data: "fetched" })).kind).toBe("answer");
    rung.board.usb.replug();
    await bench.run(3000);
    expect((await bench.request("echo", { data: "replugged" })).kind).toBe("answer");
    expect(rung.board.counters.restarts).toBe(0);
  });

  runScenarios(
    "RP2040, USB serial",
    scenarios,
    async () => openBench(await rp2040Image("cdc")),
    (scenario) => passedOver(scenario) && scenario !== givesWay,
  );
});

describe.skipIf(missing.length > 0)("RP2040 image over HID reports", () => {
  runScenarios("RP2040, HID", scenarios, async () => openBench(await rp2040Image("hid")), passedOver);
});
