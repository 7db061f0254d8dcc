import { bodyCheck, Cause, ChannelState, Fault, Outcome, PowerAction, StrapStep } from "@mltb/protocol";
import { expect } from "vitest";
import { strapStep } from "./lines.ts";
import { needs, press, rows, stopNeeds, tripSecond } from "./panel.ts";
import { power, rail, type Scenario } from "./scenario.ts";
import { configure, configureRack } from "./settings.ts";

/** Select held long: what it switches, and what refuses it. */
export const selectScenarios: Scenario[] = [
  {
    name: "select held long toggles the shown board where lease and lock allow; a refusal says why; a lease ends without its host",
    needs,
    async run(bench) {
      await press(bench, "select", 800);
      await bench.run(800);
      expect(rail(bench).switchOn).toBe(true);
      const state = bench.messages.filter((m) => m.name === "channel_state" && m.body["channel"] === 1).at(-1)?.body;
      expect(state).toMatchObject({ state: ChannelState.on, cause: Cause.panel });
      await bench.request("panel_lease", { channel: 1, left_s: 6, holder: "bob" });
      await press(bench, "select", 800);
      expect(rail(bench).switchOn).toBe(true);
      expect(rows(bench)[0]).toBe("REFUSED, leased by");
      expect(rows(bench)[1]).toMatch(/^bob \ds$/);
      bench.unplug();
      await bench.run(6000);
      await press(bench, "select", 800);
      expect(rail(bench).switchOn).toBe(false);
    },
  },
  {
    name: "select held long switches nothing while a page of the host or of locate covers the board; afterwards it does",
    needs: [...needs, "locate"],
    async run(bench) {
      const page = { line1: "a page of the host", line2: "", line3: "", line4: "" };
      const refused = async (): Promise<void> => {
        await press(bench, "select", 800);
        expect(rows(bench).slice(0, 2)).toEqual(["REFUSED", "no board is shown"]);
        expect(bench.world.switches()).not.toContain(1);
      };
      await bench.request("locate", { channel: 3, duration_ms: 3000 });
      await refused();
      await bench.request("panel_write", { ...page, ttl_ms: 0 });
      await refused();
      await bench.request("panel_write", { ...page, line1: "", ttl_ms: 0 });
      await bench.request("panel_write", { ...page, ttl_ms: 2500 });
      await refused();
      await bench.run(3500);
      expect(rows(bench)[0]).toBe("1 channel 1");
      await press(bench, "select", 800);
      await bench.run(800);
      expect(bench.world.switches()).toEqual(bench.world.switches().map((_, n) => (n === 0 ? 1 : 0)));
    },
  },
  {
    name: "select held long, and a strap sequence, switch nothing on that interlock or budget forbid, nor a latched fault; the display says which",
    needs: stopNeeds,
    async run(bench) {
      await bench.request("strap_set", { name: "on", steps: strapStep(StrapStep.on, 0, 0) });
      const refused = async (why: string): Promise<void> => {
        await press(bench, "select", 800);
        expect(rows(bench).slice(0, 2)).toEqual(["REFUSED", why]);
        expect(bench.world.switches().slice(0, 2)).toEqual([1, 0]);
      };
      const strapped = () => bench.request("strap_run", { channel: 2, name: "on", check: bodyCheck(2, 0, 0) });
      const notConfirmed = { body: { outcome: Outcome.not_confirmed, switch_on: 0 } };
      for (const channel of [1, 2]) await configure(bench, channel, { interlock: 1 });
      await power(bench, PowerAction.on);
      await press(bench, "down");
      await refused("interlocked");
      expect(await strapped()).toMatchObject(notConfirmed);
      await configure(bench, 2, { interlock: 0 });
      // A channel counts with its slow limit of 2.8 A: one has room.
      await configureRack(bench, 3000, 0);
      await refused("over the rack budget");
      expect(await strapped()).toMatchObject(notConfirmed);
      expect(bench.world.switches().slice(0, 2)).toEqual([1, 0]);
      await configureRack(bench, 0, 0);
      await tripSecond(bench);
      await refused("a fault is latched");
      const check = bodyCheck(2, Fault.hard_over_current, 0);
      await bench.request("rearm", { channel: 2, fault: Fault.hard_over_current, check });
      await bench.run(700);
      // Nothing forbids it any more.
      expect(await strapped()).toMatchObject({ body: { outcome: Outcome.done, switch_on: 1 } });
      await press(bench, "select", 800);
      await bench.run(800);
      expect(bench.world.switches().slice(0, 2)).toEqual([1, 0]);
      await press(bench, "select", 800);
      expect(bench.world.switches().slice(0, 2)).toEqual([1, 1]);
    },
  },
];
