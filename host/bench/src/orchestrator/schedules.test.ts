import { expect, test } from "vitest";
import { uniform } from "../random.ts";
import { apply, due, finished, inFlight, type RunState, replay, statuses } from "./machine.ts";
import { check, failurePlan, NODES, type Plan, reference, World, workflow } from "./schedule-model.ts";
import { type Action, forwardPhases, type NodeSpec, type RunEvent, type Workflow, workflowFaults } from "./workflow.ts";

const SCHEDULES = process.env["MLTB_LONG"] === undefined ? 300 : 10_000;
function run(
  seed: number,
  cancelling: boolean,
): { state: RunState; world: World; flow: Workflow; plan: Plan; kills: number } {
  const random = uniform(seed);
  const pick = <T>(list: T[]): T => list[Math.floor(random() * list.length)] as T;
  const flow = workflow(`run${seed}`, random);
  const plan = failurePlan(seed);
  const world = new World(plan);
  const journal: RunEvent[] = [];
  let state = apply(undefined, { type: "submitted", workflow: flow });
  journal.push({ type: "submitted", workflow: flow });
  const take = (event: RunEvent): void => {
    apply(state, event);
    journal.push(event);
  };
  let flying: Action[] = [];
  let kills = 0;
  const cancelAt = cancelling ? Math.floor(random() * 200) : -1;
  for (let step = 0; ; step += 1) {
    if (step > 20_000) throw new Error(`seed ${seed}: the run does not end`);
    if (step === cancelAt && !finished(state)) take({ type: "cancelled", reason: "enough", author: "tester" });
    const ready = due(state);
    const held = [...state.nodes.values()].filter((node) => node.hold !== undefined);
    if (ready.length === 0 && flying.length === 0) {
      if (finished(state)) break;
      if (held.length === 0) throw new Error(`seed ${seed}: nothing is due and the run is not finished`);
      take({ type: "resumed", node: pick(held).spec.id, author: "tester" });
      continue;
    }
    const dice = random();
    if (dice < 0.02) {
      // The worker dies: some of what was under way has happened, none of it is in the journal.
      for (const action of flying) if (random() < 0.5) world.carryOut(action);
      state = replay(journal);
      expect(
        inFlight(state)
          .map((action) => action.id)
          .sort(),
      ).toEqual(flying.map((action) => action.id).sort());
      flying = inFlight(state);
      kills += 1;
    } else if (dice < 0.05) {
      const open = [...state.nodes.values()].filter((node) => node.hold === undefined && !node.ended);
      const statusOf = statuses(state);
      const able = open.filter((node) => !["skipped", "cancelled"].includes(statusOf.get(node.spec.id) as string));
      if (able.length > 0) take({ type: "held", node: pick(able).spec.id, reason: "look", author: "tester" });
    } else if (dice < 0.08 && held.length > 0) take({ type: "resumed", node: pick(held).spec.id, author: "tester" });
    else if (ready.length > 0 && (dice < 0.55 || flying.length === 0)) {
      const action = pick(ready);
      const { node, phase, attempt } = action;
      take({ type: "started", node, phase, attempt });
      flying.push(action);
    } else if (flying.length > 0) {
      const action = pick(flying);
      flying = flying.filter((other) => other !== action);
      take(world.carryOut(action));
    }
  }
  return { state, world, flow, plan, kills };
}

test(`${SCHEDULES} random schedules with kills, holds and failures end as the reference model says`, () => {
  let kills = 0;
  for (let seed = 1; seed <= SCHEDULES; seed += 1) {
    const made = run(seed, false);
    kills += made.kills;
    check(made);
    const told = [...statuses(made.state)].map(
      ([id, status]) => [id, { status, steps: made.world.stepsOf(id) }] as const,
    );
    expect(new Map(told), `seed ${seed}`).toEqual(reference(made.flow, made.plan));
  }
  expect(kills).toBeGreaterThan(SCHEDULES);
}, 900_000);

test(`${SCHEDULES / 10} schedules that are cancelled at any moment: what began is brought down, the rest never begins`, () => {
  for (let seed = 1; seed <= SCHEDULES / 10; seed += 1) {
    const made = run(1_000_000 + seed, true);
    check(made);
    const seen = new Set(made.world.log.map(({ action }) => action.node));
    for (const [id, status] of statuses(made.state)) {
      const wanted = seen.has(id) ? ["done", "failed", "cancelled"] : ["cancelled", "skipped"];
      expect(wanted, `seed ${seed}, node ${id}`).toContain(status);
    }
  }
}, 900_000);

test("no two runs have an action id in common: what one has done is not taken for done by another", () => {
  const ids = Array.from({ length: 20 }, (_, seed) => run(seed, false).world.log.map(({ action }) => action.id)).flat();
  expect(ids.length).toBeGreaterThan(20 * NODES);
  expect(new Set(ids).size).toBe(ids.length);
});

test("workflows that cannot work are refused with the reason", () => {
  const node = (id: string, after: string[] = [], exclusive?: string): NodeSpec => ({
    id,
    service: "s",
    component: "c",
    after,
    phases: forwardPhases(),
    retries: 0,
    ...(exclusive === undefined ? {} : { exclusive: [exclusive] }),
    parameters: {},
  });
  const faults = (...nodes: NodeSpec[]): string[] => workflowFaults({ run_id: "r", nodes });
  expect(faults(node("a"), node("b", ["a"]))).toEqual([]);
  expect(faults(node("a", ["b"]), node("b", ["a"]))).toEqual(["the nodes form a circle"]);
  expect(faults(node("a", ["c"]))).toEqual(["node a comes after c, which does not exist"]);
  expect(faults(node("a"), node("a"))[0]).toContain("same id");
  // b needs a and c; a holds the target until b is over, c wants it before.
  expect(faults(node("a", [], "t"), node("c", [], "t"), node("b", ["a", "c"]))[0]).toContain(
    "would wait for each other",
  );
  expect(faults(node("a", [], "t"), node("b", ["a"], "t"), node("c", ["a"], "t"))).toEqual([]);
});
