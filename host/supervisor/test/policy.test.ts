import { expect, test } from "vitest";
import { startTestBay } from "./bay.ts";

test("the bay file's policies reach the board: interlock and budget refuse with 409, a strap sequence runs, all is read back", async () => {
  const bay = await startTestBay({
    change({ racks }) {
      const [rack] = racks;
      const [first, second] = rack?.targets ?? [];
      if (rack === undefined || first === undefined || second === undefined) throw new Error("the demo bay is smaller");
      first.interlock = "shared-bus";
      second.interlock = "shared-bus";
      first.straps = {
        recovery: [
          { power: "off", wait_ms: 20 },
          { lines: { reset: false, strap: true }, wait_ms: 0 },
          { power: "on", wait_ms: 50 },
        ],
      };
      rack.budget_a = 6;
    },
  });
  try {
    const [a, b, c, d] = (bay.bay.racks[0]?.targets ?? []).map(({ target }) => target);
    const on = (target = "") => bay.api("PUT", `/api/v1/targets/${target}/power`, { state: "on" });
    expect((await on(a)).status).toBe(200);
    const interlocked = await on(b);
    expect(interlocked.status).toBe(409);
    expect(interlocked.json.code).toBe("interlocked");
    expect((await on(c)).status).toBe(200);
    const over = await on(d);
    expect(over.status).toBe(409);
    expect(over.json.code).toBe("over-budget");
    const strapped = await bay.api("POST", `/api/v1/targets/${a}/strap`, { sequence: "recovery" });
    expect(strapped.status).toBe(200);
    expect(strapped.json.power).toBe("on");
    const none = await bay.api("POST", `/api/v1/targets/${a}/strap`, { sequence: "nothing" });
    expect(none.status).toBe(422);
  } finally {
    await bay.stop();
  }
});

test("a rack whose switches close one after another: who is last in the row is waited for and answered `done`", async () => {
  const bay = await startTestBay({
    change({ racks }) {
      // Seven times this is longer than a board may take for one target alone.
      for (const rack of racks) rack.stagger_ms = 450;
    },
  });
  try {
    const targets = (bay.bay.racks[0]?.targets ?? []).map(({ target }) => target);
    const all = async (args: object): Promise<string[]> => {
      const put = (target: string) => bay.api("PUT", `/api/v1/targets/${target}/power`, args);
      return (await Promise.all(targets.map(put))).map(({ status, json }) => `${status} ${json.power ?? json.code}`);
    };
    expect(await all({ state: "on" })).toEqual(targets.map(() => "200 on"));
    expect(await all({ state: "cycle", off_ms: 100 })).toEqual(targets.map(() => "200 on"));
  } finally {
    await bay.stop();
  }
});
