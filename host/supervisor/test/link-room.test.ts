import type { BayError } from "@mltb/contract";
import { afterEach, expect, test } from "vitest";
import type { CommandResult } from "../src/call.ts";
import { readFirmware } from "../src/device/firmware.ts";
import { readLog, readWaveform } from "../src/device/keepsakes.ts";
import type { LeaseView } from "../src/leases/leases.ts";
import { type VirtualCommands, virtualCommands } from "./virtual-commands.ts";

/** More than the numbers that requests of a link can have. */
const MANY = 300;

let bay: VirtualCommands;
afterEach(() => bay.stop());

/** Counts the board's requests by name: all of them, and the most that were under way at one time. */
function watched(): { sent: Map<string, number>; most: () => number } {
  const sent = new Map<string, number>();
  let open = 0;
  let most = 0;
  const { link } = bay.board;
  const request = link.request.bind(link);
  link.request = (name, body, timeout_ms) => {
    sent.set(name, (sent.get(name) ?? 0) + 1);
    open += 1;
    most = Math.max(most, open);
    return request(name, body, timeout_ms).finally(() => {
      open -= 1;
    });
  };
  return { sent, most: () => most };
}

/** A bay whose board has its policies: commands wait for nothing any more. */
async function started(): Promise<void> {
  bay = await virtualCommands();
  await bay.ended(bay.board.configured);
}

/** A command that finds the link as it is now: the board answers nobody before it is sent. */
async function commanded(target: string): Promise<CommandResult> {
  const running = bay.power(target, { state: "on" });
  await new Promise((resolve) => setImmediate(resolve));
  return bay.ended(running);
}

test("a flood of readers leaves commands their room: who is too many is refused, the others read, and a command is done", async () => {
  await started();
  const { most } = watched();
  const reads = Array.from({ length: MANY }, (_, n): Promise<unknown> => {
    const read = [() => readLog(bay.board), () => readWaveform(bay.board, 0), () => readFirmware(bay.board)][n % 3];
    return (read as () => Promise<unknown>)().catch((error: BayError) => error.code);
  });
  expect(await commanded(bay.targets[0] as string)).toMatchObject({ status: "done" });
  const outcomes = await bay.ended(Promise.all(reads), 20_000);
  const refused = outcomes.filter((outcome) => outcome === "busy");
  expect(refused).toHaveLength(MANY - 72);
  expect(outcomes.filter((outcome) => typeof outcome === "string")).toHaveLength(refused.length);
  expect(most()).toBeLessThan(20);
  // Whoever comes afterwards has a turn again.
  expect(await bay.ended(readLog(bay.board))).toMatchObject({ lines: expect.any(Array) });
});

test("a lease that is renewed faster than the board answers is told to the panel as it is in the end, and commands run", async () => {
  await started();
  const { sent } = watched();
  const [target] = bay.targets as [string];
  const told: { holder: string }[] = [];
  const { link } = bay.board;
  const request = link.request.bind(link);
  link.request = (name, body, timeout_ms) => {
    if (name === "panel_lease") told.push(body as unknown as { holder: string });
    return request(name, body, timeout_ms);
  };
  for (let n = 0; n < MANY; n += 1) {
    const lease = { holder: `h${n}`, expires_at: new Date(Date.now() + 60_000).toISOString() };
    bay.time.hub.emit("lease", target, lease as LeaseView);
  }
  expect(await commanded(target)).toMatchObject({ status: "done" });
  expect(told.map(({ holder }) => holder)).toEqual(["h0", `h${MANY - 1}`]);
  expect(sent.get("panel_lease")).toBe(2);
  bay.time.hub.emit("lease", target, null);
  await bay.time.until(() => told.at(-1)?.holder === "", 1000);
});

test("recordings that begin by the hundred renew the streams together, and commands run", async () => {
  await started();
  // The helper rests the streams by this.
  bay.board.updating = false;
  const { sent, most } = watched();
  const renewals = Array.from({ length: MANY }, () => bay.board.renew());
  expect(await commanded(bay.targets[0] as string)).toMatchObject({ status: "done" });
  await bay.ended(Promise.all(renewals));
  // Two streams each; one renewal that ran, one for all who came meanwhile, and those of each second.
  expect(sent.get("stream_open")).toBeLessThan(10);
  expect(most()).toBeLessThan(20);
});
