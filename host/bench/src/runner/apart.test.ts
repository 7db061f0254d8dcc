import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Bay } from "@mltb/contract";
import { afterAll, expect, test } from "vitest";
import type { Experiment } from "../configurator/types.ts";
import { apply } from "../orchestrator/machine.ts";
import { Apart } from "./apart.ts";
import { RunError } from "./bay-api.ts";
import { Boards } from "./boards.ts";
import { runEffects } from "./effects.ts";
import { Life, ModelledBay } from "./modelled-bay.ts";
import { planRun } from "./plan.ts";

const folder = mkdtempSync(join(tmpdir(), "mltb-apart-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const agent = { runtime: "ort" };
const rack = (name: string, link: unknown, targets: string[]) => ({
  rack: name,
  board: { name: `${name}-board`, kind: "monitoring", link },
  targets: targets.map((target, n) => ({ target, channel: n + 1, agent })),
});
const bay = {
  bay: "apart",
  racks: [rack("real", { serial: "/dev/ttyACM0" }, ["a", "b", "c"]), rack("sim", "simulated", ["s", "t"])],
} as unknown as Bay;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** What is going on in a run; each step goes on until it is ended. */
function stage(apart: Apart) {
  const on: string[] = [];
  const ends = new Map<string, (error?: Error) => void>();
  const step = (name: string) => (): Promise<void> => {
    on.push(name);
    return new Promise((resolve, reject) => {
      ends.set(name, (error) => {
        on.splice(on.indexOf(name), 1);
        if (error === undefined) resolve();
        else reject(error);
      });
    });
  };
  const end = async (name: string, error?: Error): Promise<void> => {
    ends.get(name)?.(error);
    await turn();
  };
  return {
    on,
    end,
    windows: (target: string, signal?: AbortSignal) => apart.windows(target, signal, step(`windows ${target}`)),
    power: (target: string, signal?: AbortSignal) => apart.power(target, signal, step(`power ${target}`)),
    work: (signal?: AbortSignal) => apart.work(signal, step("work")),
  };
}

test("targets of a rack are measured side by side and switched side by side, and a switch goes before windows that come later", async () => {
  const { on, end, windows, power } = stage(new Apart(bay));
  void windows("a");
  void windows("b");
  void power("b");
  void power("c");
  void windows("a");
  await turn();
  expect(on).toEqual(["windows a", "windows b"]);
  await end("windows b");
  expect(on).toEqual(["windows a"]);
  await end("windows a");
  expect(on).toEqual(["power b", "power c"]);
  await end("power c");
  await end("power b");
  expect(on).toEqual(["windows a"]);
});

test("another rack is not waited for", async () => {
  const { on, windows, power } = stage(new Apart(bay));
  void windows("a");
  void power("s");
  await turn();
  expect(on).toEqual(["windows a", "power s"]);
});

test("this machine does not work inside the windows of targets whose agents it carries, and works inside others'", async () => {
  const { on, end, windows, work } = stage(new Apart(bay));
  void windows("a");
  void windows("s");
  await turn();
  void work();
  await turn();
  expect(on).toEqual(["windows a", "windows s"]);
  void windows("t");
  await end("windows s");
  expect(on).toEqual(["windows a", "work"]);
  await end("work");
  expect(on).toEqual(["windows a", "windows t"]);
});

test("a step that fails makes room as one that ends, and one whose run was interrupted while it waited holds up nobody", async () => {
  const { on, end, windows, power } = stage(new Apart(bay));
  const failing = windows("a").catch((error: Error) => error.message);
  const abort = new AbortController();
  const waiting = power("b", abort.signal).catch((error: Error) => error.message);
  void windows("c");
  await turn();
  expect(on).toEqual(["windows a"]);
  abort.abort(new RunError("the lease has ended"));
  expect(await waiting).toBe("the lease has ended");
  await turn();
  expect(on).toEqual(["windows a", "windows c"]);
  await end("windows c");
  void power("b");
  await end("windows a", new Error("its agent died"));
  expect(await failing).toBe("its agent died");
  expect(on).toEqual(["power b"]);
  await expect(power("c", AbortSignal.abort())).rejects.toThrow("interrupted");
});

test("a node that prepares a model waits for the windows of targets whose agents run here", async () => {
  const experiments = [{ name: "x", bay, targets: ["s"], models: [{ name: "m", generate: "ds-cnn-kws" }] }];
  const state = apply(undefined, { type: "submitted", workflow: planRun("r", experiments as unknown as Experiment[]) });
  const ports = new Life(new ModelledBay(), 1, () => false).ports();
  const note = (): void => undefined;
  const apart = new Apart(bay);
  const effects = runEffects({
    ...{ ports, boards: new Boards(ports, "run", note, apart), folder, note },
    experiments: experiments as unknown as Experiment[],
    parameters: () => Promise.resolve({}),
  });
  const { windows, end } = stage(apart);
  void windows("s");
  await turn();
  const action = { id: "r/0/model/m/start/1", node: "0/model/m", phase: "start", attempt: 1 };
  const prepared = effects.run(action, state, {}, new AbortController().signal);
  await turn();
  expect(existsSync(join(folder, "models"))).toBe(false);
  await end("windows s");
  expect(await prepared).toMatchObject({ output: { name: "m", macs: expect.any(Number) } });
});
