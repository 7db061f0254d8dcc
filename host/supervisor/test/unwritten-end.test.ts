import { afterEach, expect, test } from "vitest";
import { DatabaseSync } from "../src/store/database.ts";
import { type VirtualCommands, virtualCommands } from "./virtual-commands.ts";

let bay: VirtualCommands;
afterEach(() => bay.stop());

test.each([
  ["within two seconds", 2000, "done"],
  ["at a clean end", 0, "accepted"],
])(
  "full-disk: how a cycle ended is written %s, when there is room again; the next start finds nothing open",
  async (_when, pass_ms, before) => {
    bay = await virtualCommands();
    const [target] = bay.targets as [string];
    const cycle = bay.power(target, { state: "cycle", off_ms: 100 }, "ada", { id: "cycle" });
    await bay.time.run(50);
    const other = new DatabaseSync(bay.state.database.file);
    other.exec("begin immediate");
    expect(await bay.ended(cycle)).toMatchObject({ status: "done" });
    const status = () => other.prepare("select status from commands").get();
    expect(status()).toEqual({ status: "accepted" });
    other.exec("rollback");
    await bay.time.run(pass_ms);
    expect(status()).toEqual({ status: before });
    bay.reopen();
    expect(bay.state.orphans).toEqual([]);
    expect(status()).toEqual({ status: "done" });
    other.close();
  },
);
