import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { uniform } from "../random.ts";
import { type RunState, statuses } from "./machine.ts";
import { check, failurePlan, type Plan, reference, World, workflow } from "./schedule-model.ts";
import { SqliteJournal } from "./sqlite-journal.ts";
import { type EffectsPort, type JournalPort, work } from "./worker.ts";
import type { RunEvent, Workflow } from "./workflow.ts";

const SCHEDULES = process.env["MLTB_LONG"] === undefined ? 12 : 500;

const folder = mkdtempSync(join(tmpdir(), "mltb-worker-"));
const file = join(folder, "experiments.sqlite");
// Each process has the file open for itself.
const own = new SqliteJournal(file);
const others = new SqliteJournal(file);
afterAll(() => {
  own.close();
  others.close();
  rmSync(folder, { recursive: true, force: true });
});

const never = new Promise<never>(() => undefined);

/** A worker process: once it is dead, nothing that it asked for comes back. */
function workerProcess(world: World, dies: () => boolean) {
  let dead = false;
  let end: (value: undefined) => void = () => undefined;
  const death = new Promise<undefined>((resolve) => {
    end = resolve;
  });
  const mayDie = (): boolean => {
    if (!dead && dies()) {
      dead = true;
      end(undefined);
    }
    return dead;
  };
  /** It may die before the call reaches anybody, or before its answer does. */
  const call = async <T>(body: () => T | Promise<T>): Promise<T> => {
    if (mayDie()) return never;
    const result = await body();
    return mayDie() ? never : result;
  };
  const journal: JournalPort = {
    append: (run_id, after, event) => call(() => own.append(run_id, after, event)),
    read: (run_id, from) => call(() => own.read(run_id, from)),
  };
  const effects: EffectsPort = {
    async run(action, _state, _inputs, signal) {
      await new Promise((resolve) => setImmediate(resolve));
      if (signal.aborted) return { failure: { reason: "interrupted", permanent: false } };
      const event = await call(() => world.carryOut(action));
      if (event.type !== "failed") return { output: undefined };
      return { failure: { reason: event.reason, permanent: event.permanent } };
    },
  };
  return { journal, effects, call, death };
}

interface Made {
  state: RunState;
  world: World;
  flow: Workflow;
  plan: Plan;
  kills: number;
}

/** A schedule whose worker is the real one, with the real journal; it dies, and others hold, resume and cancel meanwhile. */
async function run(seed: number, cancelling: boolean): Promise<Made> {
  const random = uniform(seed);
  const run_id = `run${seed}`;
  const flow = workflow(run_id, random);
  const plan = failurePlan(seed);
  const world = new World(plan);
  await own.create(
    { run_id, experiment: "schedules", folder, configuration: [] },
    { type: "submitted", workflow: flow },
  );
  const held = new Set<string>();
  let cancelAt = cancelling ? Math.floor(random() * 30) : -1;
  /** What does not fit any more is refused, as it is to whoever is too late. */
  const add = (event: RunEvent): Promise<boolean> =>
    others.add(run_id, event).then(
      () => true,
      () => false,
    );
  const meddle = async (): Promise<void> => {
    cancelAt -= 1;
    if (cancelAt === 0) await add({ type: "cancelled", reason: "enough", author: "tester" });
    const node = `n${Math.floor(random() * flow.nodes.length)}`;
    if (random() < 0.1 && (await add({ type: "held", node, reason: "look", author: "tester" }))) held.add(node);
    for (const other of held)
      if (random() < 0.4) {
        await add({ type: "resumed", node: other, author: "tester" });
        held.delete(other);
      }
  };
  for (let kills = 0; ; kills += 1) {
    const life = workerProcess(world, () => kills < 20 && random() < 0.02);
    const pause = async (): Promise<void> => {
      await life.call(meddle);
      await new Promise((resolve) => setImmediate(resolve));
    };
    const options = { signal: new AbortController().signal, pause };
    const state = await Promise.race([work(life.journal, life.effects, run_id, options), life.death]);
    if (state !== undefined) return { state, world, flow, plan, kills };
    if (random() < 0.5) await meddle();
  }
}

test(`${SCHEDULES} schedules of the real worker and journal with kills, holds and failures end as the reference model says`, async () => {
  let kills = 0;
  for (let seed = 1; seed <= SCHEDULES; seed += 1) {
    const made = await run(seed, false);
    kills += made.kills;
    check(made);
    const told = [...statuses(made.state)].map(
      ([id, status]) => [id, { status, steps: made.world.stepsOf(id) }] as const,
    );
    expect(new Map(told), `seed ${seed}`).toEqual(reference(made.flow, made.plan));
  }
  expect(kills).toBeGreaterThan(SCHEDULES * 2);
}, 1_800_000);

test(`${SCHEDULES} schedules of the real worker that are cancelled at any moment: what began is brought down, the rest never begins`, async () => {
  for (let seed = 1; seed <= SCHEDULES; seed += 1) {
    const made = await run(1_000_000 + seed, true);
    const seen = new Set(made.world.log.map(({ action }) => action.node));
    for (const { spec, ended, entered } of made.state.nodes.values())
      expect([seed, spec.id, ended]).toEqual([seed, spec.id, entered]);
    for (const id of seen) expect(made.state.nodes.get(id)?.entered, `seed ${seed}, node ${id}`).toBe(true);
  }
}, 1_800_000);

test("a run that was cancelled while its worker was dead begins nothing again that was under way", async () => {
  const run_id = "cancelled-while-dead";
  const flow = workflow(run_id, uniform(1));
  const [first] = flow.nodes;
  if (first === undefined) throw new Error("the workflow has no node");
  const events: RunEvent[] = [
    { type: "submitted", workflow: flow },
    { type: "started", node: first.id, phase: "init", attempt: 1 },
    { type: "cancelled", reason: "enough", author: "tester" },
  ];
  const [submitted, ...later] = events;
  await own.create({ run_id, experiment: "schedules", folder, configuration: [] }, submitted as RunEvent);
  for (const [n, event] of later.entries()) expect(await own.append(run_id, n + 1, event)).toBe(true);
  const asked: string[] = [];
  const effects: EffectsPort = {
    run: async (action) => {
      asked.push(`${action.node} ${action.phase}`);
      return { output: undefined };
    },
  };
  const options = { signal: new AbortController().signal, pause: () => own.pause() };
  const state = await work(own, effects, run_id, options);
  expect(asked).toEqual([`${first.id} deinit`]);
  expect(state.nodes.get(first.id)).toMatchObject({ passed: 0, ended: true, entered: true });
});
