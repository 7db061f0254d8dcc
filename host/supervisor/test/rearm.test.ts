import { afterEach, expect, test } from "vitest";
import { type VirtualCommands, virtualCommands } from "./virtual-commands.ts";

let bay: VirtualCommands;
afterEach(() => bay.stop());

test("a re-arm is done when the channel is proved off: of a switch that stays closed it is no success, of one that opens again it is", async () => {
  bay = await virtualCommands();
  const [target] = bay.targets as [string];
  const power = (state: string) => bay.ended(bay.power(target, { state }));
  expect(await power("on")).toMatchObject({ status: "done" });
  bay.rack.electronics.breakChannel(0, "stuck-on");
  expect(await power("off")).toMatchObject({ status: "failed" });
  const rearm = (): Promise<unknown> =>
    bay.ended(bay.commands.run(bay.caller("a"), "target", target, "rearm", { fault: "off-unproved" }));
  expect(await rearm()).toMatchObject({
    status: "failed",
    code: "board_failed",
    state: { power: "fault", fault: { id: "off-unproved" } },
  });
  bay.rack.electronics.breakChannel(0, "none");
  expect(await rearm()).toMatchObject({ status: "done", state: { power: "off", fault: null } });
});
