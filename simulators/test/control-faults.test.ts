import { bodyCheck, PowerAction } from "@mltb/protocol";
import { expect, test } from "vitest";
import { handleControl } from "../src/index.ts";
import { openBench } from "./bench.ts";
import { luaBoard } from "./rungs.ts";
import { power, rail } from "./scenarios/scenario.ts";

/** DESIGN section 4: a stall bites within this, and outputs go to their policy. */
const STALL_MS = 500;

async function onBoard() {
  const rung = await luaBoard();
  const bench = await openBench(rung);
  const { rack } = rung;
  const bay = { board: (name: string) => (name === "b" ? rack : undefined), rack: () => rack, target: () => rack };
  await power(bench, PowerAction.on);
  return { bench, rack, control: (request: object) => handleControl(bay, request) };
}

test("hang: within 500 ms the outputs are off, the controller restarts by its watchdog, and the host finds a new session", async () => {
  const { bench, control } = await onBoard();
  const before = bench.welcome()?.epoch;
  expect(control({ fault: "hang", board: "b" })).toEqual({ ok: true, fault: "hang", board: "b" });
  await bench.run(STALL_MS + 1);
  expect(rail(bench).switchOn).toBe(false);
  await bench.run(2500);
  expect(bench.welcome()).toMatchObject({ reset_cause: 1 });
  expect(bench.welcome()?.epoch).not.toBe(before);
  expect(await power(bench, PowerAction.on)).toMatchObject({ kind: "answer" });
  expect(rail(bench).switchOn).toBe(true);
  await bench.stop();
});

test("restart: a command that ran when the controller restarted has the outcome `unknown` and is not sent twice", async () => {
  const { bench, control } = await onBoard();
  const cycle = bench.send("power_set", {
    channel: 1,
    action: PowerAction.cycle,
    off_ms: 1000,
    check: bodyCheck(1, PowerAction.cycle, 1000),
  });
  await bench.run(5);
  control({ fault: "restart", board: "b" });
  await bench.run(3000);
  expect((await cycle).kind).toBe("unknown");
  expect(bench.welcome()?.uptime_ms).toBeLessThan(1000);
  expect(bench.session.port.open).toBe(true);
  await bench.stop();
});

test("link-cut and link-restore: the host's end closes and cannot be opened meanwhile; the board goes on", async () => {
  const { bench, rack, control } = await onBoard();
  let closed = "";
  await rack.transport.open({
    onBytes: () => undefined,
    onClose: (reason) => {
      closed = reason;
    },
  });
  control({ fault: "link-cut", board: "b" });
  expect(closed).toBe("the link was cut");
  await expect(rack.transport.open({ onBytes: () => undefined, onClose: () => undefined })).rejects.toThrow(/cut/);
  await bench.run(1000);
  expect(rail(bench).switchOn).toBe(true);
  control({ fault: "link-restore", board: "b" });
  await expect(rack.transport.open({ onBytes: () => undefined, onClose: () => undefined })).resolves.toBeUndefined();
  await bench.stop();
});

test("faults that do not exist, or of boards that do not exist, are refused", async () => {
  const { bench, control } = await onBoard();
  expect(control({ fault: "moon", board: "b" })).toHaveProperty("error");
  expect(control({ fault: "hang", board: "x" })).toHaveProperty("error");
  await bench.stop();
});
