import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Recordings } from "../src/energy/recordings.ts";
import { Cuts } from "../src/leases/cuts.ts";
import { type VirtualCommands, virtualCommands } from "./virtual-commands.ts";

let bay: VirtualCommands;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mltb-edges-"));
});
afterEach(async () => {
  await bay.stop();
  rmSync(folder, { recursive: true });
});

test("edges that a lost link swallows make no window of two: the recording says how often the link was lost, and tells no energy across", async () => {
  bay = await virtualCommands();
  const target = bay.targets[0] as string;
  const { channel } = bay.commands.find(target);
  bay.board.updating = false;
  expect(await bay.ended(bay.power(target, { state: "on" }))).toMatchObject({ status: "done" });
  const recordings = new Recordings(bay.time.hub, new Cuts(), folder);
  const { electronics } = bay.rack;
  const edge = (level: 0 | 1): void => electronics.marker(1, level, electronics.now_us());

  const id = await bay.ended(recordings.start(bay.board, channel, []));
  await bay.time.run(500);
  edge(1);
  await bay.time.run(200);
  bay.rack.cutLink();
  await bay.time.until(() => !bay.board.link.session.port.open, 3000);
  edge(0);
  edge(1);
  bay.rack.restoreLink();
  await bay.time.until(() => channel.power === "on", 5000);
  await bay.time.run(500);
  edge(0);
  await bay.time.run(300);
  edge(1);
  await bay.time.run(300);
  edge(0);
  await bay.time.run(100);
  const { windows, links_lost } = await bay.ended(recordings.stop(id));
  expect(windows.map(({ refused }) => refused)).toEqual(["the link was lost: edges may be missing", null]);
  expect(links_lost).toBe(1);
});
