import { afterEach, expect, test } from "vitest";
import { createSocket } from "./usb-socket.ts";
import { type VirtualBay, virtualBay } from "./virtual.ts";

let bay: VirtualBay | undefined;
afterEach(async () => {
  await bay?.stop();
  bay = undefined;
});

test("energyrunner#6 a board is found by trying speeds on a port: another-board-at-the-port: a board with another serial number is not taken for this one", async () => {
  const socket = createSocket(true);
  bay = await virtualBay(1, (rack) => socket.transport(rack));
  const { board } = bay.boards[0] as (typeof bay.boards)[0];
  await bay.run(500);
  expect(board.link.lifecycle).toBe("absent");
  expect(board.link.reason).toContain("no port is usb 1209:0001 serial SIM-1");
});
