import { afterEach, expect, test } from "vitest";
import { LeaseRows } from "../src/leases/rows.ts";
import { createMetrics } from "../src/metrics/registry.ts";
import { stateMetrics } from "../src/metrics/state.ts";
import type { MqttLink } from "../src/mqtt/client.ts";
import { serveCommands } from "../src/mqtt/commands.ts";
import { Checkpoints } from "../src/store/checkpoints.ts";
import { type VirtualCommands, virtualCommands } from "./virtual-commands.ts";

const HOUR_MS = 3_600_000;
/** The clocks are looked at once in a second. */
const LOOK_MS = 1100;

let bay: VirtualCommands;
let told: string[];
afterEach(() => bay.stop());

async function begin(): Promise<void> {
  told = [];
  bay = await virtualCommands("off", { onError: (error) => told.push(error.message) });
}

async function lease(ttl_ms: number): Promise<string> {
  const request = { targets: bay.targets, holder: "ada", user: "ada", ttl_ms, priority: 0, hold: false };
  const { signal } = new AbortController();
  const got = await bay.ended(
    bay.state.leases.acquire(bay.caller("ada"), { ...request, experiment: false }, 0, signal),
  );
  if ("status" in got) throw new Error(got.message);
  return got.id;
}
const stored_ms = (): number => new LeaseRows(bay.state.database).open()[0]?.expires_ms ?? 0;
const left_ms = (id: string): number => Date.parse(bay.state.leases.view(id).expires_at) - bay.wall();

test.each([
  ["forward", HOUR_MS],
  ["back", -HOUR_MS],
])(
  "clock-step %s by an hour: a lease has as much time left as before, its stored end moves, and log and metrics tell it",
  async (_way, step_ms) => {
    await begin();
    const metrics = createMetrics(bay.boards, new Map());
    stateMetrics(metrics, bay.state, new Checkpoints(bay.state.database.file), () => 0);
    const changed: string[] = [];
    const granted_ms = bay.time.now();
    const id = await lease(8000);
    const [before, left] = [stored_ms(), left_ms(id)];
    bay.time.hub.on("lease", (target) => changed.push(target));
    bay.setWall(step_ms);
    await bay.time.run(LOOK_MS);
    expect(Math.abs(stored_ms() - before - step_ms)).toBeLessThan(5);
    expect(Math.abs(left_ms(id) - (left - LOOK_MS))).toBeLessThan(5);
    expect(new Set(changed)).toEqual(new Set(bay.targets));
    const [line] = bay.state.audit.read({ limit: 1 });
    expect(line).toMatchObject({ action: "clock-step", source: "policy", status: "done" });
    const args = line?.args as { step_ms: number } | undefined;
    expect(Math.abs((args?.step_ms ?? 0) - step_ms)).toBeLessThan(5);
    expect(told).toEqual([`the system clock was set by ${step_ms / 1000}.0 s`]);
    expect(await metrics.text()).toContain("mltb_clock_steps_total 1\n");
    // The next start finds as much too.
    bay.reopen();
    expect(Math.abs(left_ms(id) - (left - LOOK_MS))).toBeLessThan(5);
    await bay.time.until(() => bay.state.leases.list().length === 0, 10_000);
    expect(Math.abs(bay.time.now() - granted_ms - 8000)).toBeLessThan(50);
  },
);

test("clock-step back: for a minute a command over MQTT has expired when it has by either clock, then by the new one", async () => {
  await begin();
  const [target] = bay.targets as [string];
  const answers = new Map<string, { status: string; code?: string }>();
  let deliver: (topic: string, payload: Buffer, retained: boolean) => void = () => undefined;
  const link = {
    onMessage: (listener: typeof deliver) => {
      deliver = listener;
    },
    subscribe: async () => undefined,
    publish: (_topic: string, payload: string) => {
      const { id, ...answer } = JSON.parse(payload);
      answers.set(id, answer);
    },
  } as unknown as MqttLink;
  await serveCommands("virtual", bay.commands, link, bay.state.clock, undefined);
  const send = async (id: string, expires_ms: number) => {
    const command = { id, expires_at: new Date(expires_ms).toISOString(), args: { state: "on" } };
    deliver(`mltb/v1/virtual/cmd/ada/target/${target}/power`, Buffer.from(JSON.stringify(command)), false);
    await bay.time.until(() => !["accepted", undefined].includes(answers.get(id)?.status), 5000);
    return answers.get(id);
  };
  const old = bay.wall() + 5000;
  await bay.time.run(6000);
  bay.setWall(-HOUR_MS);
  const expired = { status: "refused", code: "expired" };
  expect(await send("stale", old)).toMatchObject(expired);
  expect(await send("of the new clock", bay.wall() + 5000)).toMatchObject(expired);
  expect(bay.rail(target).switchOn).toBe(false);
  expect(await send("good by both", old + 60_000)).toMatchObject({ status: "done" });
  await bay.time.run(61_000);
  expect(await send("a minute later", bay.wall() + 5000)).toMatchObject({ status: "done" });
  expect(await send("over by the new clock", bay.wall() - 1)).toMatchObject(expired);
}, 120_000);
