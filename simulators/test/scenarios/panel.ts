import { PowerAction } from "@mltb/protocol";
import { expect } from "vitest";
import { power, rail, type Scenario } from "./scenario.ts";

export const panelScenarios: Scenario[] = [
  {
    name: "press and lcd: Down shows the next channel, Stop held for 2 s switches everything off",
    needs: ["panel", "buttons", "power", "physics"],
    async run(bench) {
      await power(bench, PowerAction.on);
      expect(bench.electronics.lcd.rows()[0]).toMatch(/^1 /);
      bench.press("down", 100);
      await bench.run(600);
      expect(bench.electronics.lcd.rows()[0]).toMatch(/^2 /);
      expect(bench.electronics.lcd.busyViolations).toBe(0);
      bench.press("stop", 2200);
      await bench.run(2600);
      expect(rail(bench).switchOn).toBe(false);
      expect(bench.messages.some((m) => m.name === "button" && m.body["press"] === 3)).toBe(true);
    },
  },
];
