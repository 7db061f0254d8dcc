import { spawn } from "node:child_process";
import { expect, test } from "vitest";
import { awaitLeftovers, isRun } from "./exec-leftover.ts";

test.each([
  ["the program itself", ["/usr/bin/strip", "off", "1"], true],
  ["its interpreter", ["/bin/sh", "-e", "/opt/strip", "off", "1"], true],
  ["one that gives it its rights", ["sudo", "strip", "off", "1"], true],
  ["another channel", ["/usr/bin/strip", "off", "2"], false],
  ["another verb", ["/usr/bin/strip", "on", "1"], false],
  ["another program", ["/usr/bin/scrap", "off", "1"], false],
  ["fewer words", ["off", "1"], false],
  ["more words", ["/usr/bin/strip", "off", "1", "2"], false],
])("whether a process runs `strip off 1`: %s", (_what, argv, expected) => {
  expect(isRun(argv, ["/opt/bin/strip", "off", "1"])).toBe(expected);
});

test("a channel is free when its programs have ended, or when time is over; another one at once", async () => {
  // Nobody else sleeps as long.
  const short = ["sleep", "0.7531901"];
  const long = ["sleep", "30.7531901"];
  const children = [short, long].map(([file = "", ...args]) => spawn(file, args));
  const ended = new Promise((resolve) => children[0]?.once("exit", resolve));
  const free: [number, boolean, boolean][] = [];
  const began = performance.now();
  let over = false;
  void ended.then(() => {
    over = true;
  });
  const done = awaitLeftovers(
    [
      { channel: 1, commands: [["nothing", "like", "this"], short] },
      { channel: 2, commands: [long] },
      { channel: 3, commands: [["nothing", "like", "this"]] },
    ],
    1500,
    (channel, late) => free.push([channel, late, over]),
  );
  await done;
  children[1]?.kill("SIGKILL");
  expect(free).toEqual([
    [3, false, false],
    [1, false, true],
    [2, true, true],
  ]);
  expect(performance.now() - began).toBeGreaterThanOrEqual(1500);
});
