import type { Bay } from "@mltb/contract";
import { pino } from "pino";
import { expect, test } from "vitest";
import { startTestBay, type TestBay, until } from "./bay.ts";

/** What the supervisor warned of policies. */
const warnings: string[] = [];
const log = pino(
  { level: "warn" },
  {
    write: (line: string) => {
      const { msg } = JSON.parse(line) as { msg: string };
      if (/^(limits|policies|rules|strap)/.test(msg)) warnings.push(msg);
    },
  },
);

type Target = Bay["racks"][0]["targets"][0];

function edit(bay: Bay, change: (targets: Target[], rack: Bay["racks"][0]) => void): Bay {
  const next = structuredClone(bay);
  const [rack] = next.racks;
  if (rack === undefined) throw new Error("the demo bay has no rack");
  change(rack.targets, rack);
  return next;
}

const on = (bay: TestBay, target: Target | undefined) =>
  bay.api("PUT", `/api/v1/targets/${target?.target}/power`, { state: "on" });
const off = (bay: TestBay, target: Target | undefined) =>
  bay.api("PUT", `/api/v1/targets/${target?.target}/power`, { state: "off" });

/** Takes a changed file over; its policies have been offered to the board when a command comes back. */
async function reload(bay: TestBay, next: Bay): Promise<string[]> {
  warnings.length = 0;
  expect((await bay.supervisor.reload(next)).changed).toHaveLength(1);
  await bay.supervisor.ready();
  const free = next.racks[0]?.targets.find(({ channel }) => channel === 8);
  await until(async () => (await off(bay, free)).status === 200);
  return [...warnings];
}

test("limits, budget and groups change in any mixture under targets that are on, and all of it reaches the board", async () => {
  const bay = await startTestBay({
    options: { log },
    change(of) {
      const [rack] = of.racks;
      const [a, b, c] = rack?.targets ?? [];
      if (rack === undefined || a === undefined || b === undefined || c === undefined) throw new Error("smaller");
      rack.budget_a = 2;
      for (const [target, slow_a] of [
        [a, 1],
        [b, 1],
        [c, 0.5],
      ] as const) {
        target.limits = { slow_a };
      }
      a.interlock = "left";
      b.interlock = "right";
    },
  });
  try {
    const [a, b, c] = bay.bay.racks[0]?.targets ?? [];
    expect([(await on(bay, a)).status, (await on(bay, b)).status]).toEqual([200, 200]);
    expect((await on(bay, c)).json.code).toBe("over-budget");
    // Both limits grow beyond the budget of before: the new one must be there first.
    const grown = edit(bay.bay, ([x, y], rack) => {
      rack.budget_a = 4;
      for (const target of [x, y] as Target[]) target.limits = { slow_a: 1.6 };
    });
    expect(await reload(bay, grown)).toEqual([]);
    expect((await on(bay, c)).status).toBe(200);
    expect((await off(bay, c)).status).toBe(200);
    // One falls by more than the other grows, under a lower budget: the falling one must come first.
    const fallen = edit(bay.bay, ([x, y], rack) => {
      rack.budget_a = 2.2;
      (x as Target).limits = { slow_a: 1.9 };
      (y as Target).limits = { slow_a: 0.3 };
    });
    expect(await reload(bay, fallen)).toEqual([]);
    expect((await on(bay, c)).json.code).toBe("over-budget");
    // Other words and another order for the same groups change nothing.
    const renamed = edit(bay.bay, (targets) => {
      for (const target of targets) if (target.interlock !== undefined) target.interlock = `${target.interlock}-side`;
      targets.reverse();
    });
    expect(await reload(bay, renamed)).toEqual([]);
    expect([bay.rail(a?.channel ?? 0).voltage_v, bay.rail(b?.channel ?? 0).voltage_v].every((v) => v > 4)).toBe(true);
  } finally {
    await bay.stop();
  }
});

test("targets that are on exchange their interlock groups; two of one group that are on are told, with the rest of their policies taken", async () => {
  const bay = await startTestBay({
    options: { log },
    change(of) {
      const [a, b, c, d] = of.racks[0]?.targets ?? [];
      for (const target of [a, b] as Target[]) target.interlock = "left";
      for (const target of [c, d] as Target[]) target.interlock = "right";
    },
  });
  try {
    const [a, b, c, d] = bay.bay.racks[0]?.targets ?? [];
    expect([(await on(bay, b)).status, (await on(bay, d)).status]).toEqual([200, 200]);
    // b and d wait for each other's group.
    const exchanged = edit(bay.bay, ([, y, , z]) => {
      (y as Target).interlock = "right";
      (z as Target).interlock = "left";
    });
    expect(await reload(bay, exchanged)).toEqual([]);
    expect((await on(bay, a)).json.code).toBe("interlocked");
    expect((await on(bay, c)).json.code).toBe("interlocked");
    // The new partners: with d off, a may be on; with b off, c may.
    expect((await off(bay, d)).status).toBe(200);
    expect((await on(bay, a)).status).toBe(200);
    expect((await on(bay, c)).json.code).toBe("interlocked");
    // a and b are on; one group cannot have both.
    const impossible = edit(bay.bay, ([, y]) => {
      (y as Target).interlock = "left";
    });
    const told = await reload(bay, impossible);
    expect(told).toHaveLength(1);
    expect(told[0]).toMatch(new RegExp(`^policies of (${a?.target}|${b?.target}): .*interlocked`));
  } finally {
    await bay.stop();
  }
});

test("a strap sequence that the bay file no longer has does not run, although the board still keeps it", async () => {
  const steps = [{ power: "on" as const, wait_ms: 10 }];
  const bay = await startTestBay({
    change(of) {
      const [target] = of.racks[0]?.targets ?? [];
      if (target === undefined) throw new Error("smaller");
      target.straps = { recovery: steps, maintenance: steps };
    },
  });
  try {
    const [a] = bay.bay.racks[0]?.targets ?? [];
    const strap = (sequence: string) => bay.api("POST", `/api/v1/targets/${a?.target}/strap`, { sequence });
    expect((await strap("maintenance")).json.power).toBe("on");
    expect((await off(bay, a)).status).toBe(200);
    const fewer = edit(bay.bay, ([target]) => {
      (target as Target).straps = { recovery: steps };
    });
    expect(await reload(bay, fewer)).toEqual([]);
    expect((await strap("maintenance")).json.code).toBe("not-supported");
    expect((await strap("recovry")).json).toMatchObject({
      code: "not-supported",
      suggestion: expect.stringMatching(/^did you mean recovery\?/),
    });
    expect(bay.rail(a?.channel ?? 0).switchOn).toBe(false);
    expect((await strap("recovery")).json.power).toBe("on");
  } finally {
    await bay.stop();
  }
});
