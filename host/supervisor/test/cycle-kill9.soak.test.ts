import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "./bay.ts";
import { type KilledBay, killedBay } from "./killed-supervisor.ts";
import { scale } from "./virtual-commands.ts";

/** The supervisor is killed so long after the request, and so much later each time until it is killed after the cycle. */
const STEP_MS = scale(25, 5, 1);
/** Kills that came after the switch was on again: the proof of "on" and the answer lie there. */
const AFTER = scale(2, 10, 50);
const DWELL_MS = 60;
const PATIENCE_MS = 60_000;
const TARGET = "t1";
const path = `/api/v1/targets/${TARGET}`;

let bay: KilledBay;
beforeAll(async () => {
  bay = await killedBay(3);
});
afterAll(() => bay.stop());

const known = async (): Promise<string> =>
  (await bay.api("GET", path).catch(() => ({ json: { power: "unknown" } }))).json.power;

test("labgrid: killed between off and on: the supervisor dies by SIGKILL at each step of a cycle, and the target ends on", {
  timeout: 0,
}, async () => {
  await until(async () => (await known()) === "off", PATIENCE_MS);
  expect((await bay.api("PUT", `${path}/power`, { state: "on" })).status).toBe(200);
  const rail = bay.rail(TARGET);
  const seen = { before: 0, dwelling: 0, after: 0 };
  for (let ms = 0; seen.after < AFTER; ms += STEP_MS) {
    bay.moves.clear();
    const headers = { "idempotency-key": `cycle-${ms}` };
    const cycle = () => bay.api("PUT", `${path}/power`, { state: "cycle", off_ms: DWELL_MS }, headers);
    const lost = cycle().catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, ms));
    await bay.kill();
    const moved = bay.moves.get(TARGET) ?? 0;
    seen[moved === 0 ? "before" : moved === 1 ? "dwelling" : "after"] += 1;
    await lost;
    // Nobody is there, and the board finishes what it was asked.
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect([ms, rail.switchOn]).toEqual([ms, true]);
    const ran = bay.moves.get(TARGET) ?? 0;
    expect([0, 2]).toContain(ran);

    await bay.start();
    await until(async () => {
      const said = await known();
      expect(["unknown", "on"]).toContain(said);
      return said === "on";
    }, PATIENCE_MS);
    // The client asks for its answer: what was accepted does not run again, what was not runs now.
    const answer = await cycle();
    expect([200, 503]).toContain(answer.status);
    if (answer.status === 503) expect(answer.json.code).toBe("outcome-unknown");
    if (ran === 2 || answer.status === 503) expect(bay.moves.get(TARGET) ?? 0).toBe(ran);
    else expect(bay.moves.get(TARGET)).toBe(2);
    await until(async () => (await known()) === "on", PATIENCE_MS);
    expect(rail.switchOn).toBe(true);
  }
  expect(seen.before).toBeGreaterThan(0);
  expect(seen.dwelling).toBeGreaterThan(0);
});
