import { afterEach, expect, test } from "vitest";
import type { CommandResult, CommandSource } from "../src/call.ts";
import { type VirtualCommands, virtualCommands } from "./virtual-commands.ts";

/** More than are remembered. */
const CROWD = 2500;

let bay: VirtualCommands;
afterEach(() => bay.stop());

test("a command that runs while thousands come and go is asked for again: it runs once, and both get its one answer", async () => {
  bay = await virtualCommands();
  const sources: CommandSource[] = ["api", "mqtt"];
  const accepted: Record<string, number[]> = { api: [], mqtt: [] };
  const ask = (source: CommandSource, n: number): Promise<CommandResult> => {
    const caller = bay.caller("ada", { source, id: "long" });
    const args = { state: "cycle", off_ms: 5000 };
    return bay.commands.run(caller, "target", bay.targets[n] as string, "power", args, (seq) => {
      accepted[source]?.push(seq);
    });
  };
  const first = sources.map(ask);
  await bay.time.run(50);
  for (let n = 0; n < CROWD; n += 1) {
    const caller = bay.caller("ada", { source: sources[n % 2] as CommandSource, id: `crowd ${n}` });
    const refused = await bay.commands.run(caller, "target", bay.targets[2] as string, "dance", {});
    expect(refused).toMatchObject({ status: "refused", code: "not_supported" });
  }
  const again = sources.map(ask);
  const results = await bay.ended(Promise.all([...first, ...again]), 20_000);
  for (const result of results) expect(result).toMatchObject({ status: "done", state: { power: "on" } });
  for (const [n, source] of sources.entries()) {
    expect(results[n + 2]).toBe(results[n]);
    expect(accepted[source]).toHaveLength(2);
    expect(new Set(accepted[source]).size).toBe(1);
    const { channel } = bay.commands.find(bay.targets[n] as string).channel;
    expect(bay.sent.get(channel)).toHaveLength(1);
  }
});
