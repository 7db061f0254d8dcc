import { expect, test } from "vitest";
import { uniform } from "../random.ts";
import { apply, due, finished, inFlight, type NodeStatus, type RunState, replay, statuses } from "./machine.ts";
import {
  type Action,
  forwardPhases,
  type NodeSpec,
  type RunEvent,
  teardown,
  type Workflow,
  workflowFaults,
} from "./workflow.ts";

const SCHEDULES = process.env["MLTB_LONG"] === undefined ? 300 : 10_000;
const NODES = 20;
const FAILING = 0.06;
const STUCK = 0.02;

function workflow(run_id: string, random: () => number): Workflow {
  const nodes: NodeSpec[] = [];
  for (let i = 0; i < NODES; i += 1) {
    const after = nodes.map((node) => node.id).filter(() => random() < 2.5 / NODES);
    const exclusive = random() < 0.5 ? [`target:${Math.floor(random() * 3)}`] : undefined;
    nodes.push({
      id: `n${i}`,
      service: "s",
      component: "c",
      after,
      phases: forwardPhases(random() < 0.3 ? ["recalibrate"] : []),
      retries: Math.floor(random() * 3),
      ...(exclusive === undefined ? {} : { exclusive }),
      parameters: {},
    });
  }
  // Nodes that nothing comes after share one more thing, which goes to whoever is ready.
  for (const node of nodes)
    if (!nodes.some((other) => other.after.includes(node.id))) node.exclusive = [...(node.exclusive ?? []), "host"];
  // A workflow whose nodes would wait for each other is refused; without its last exclusive thing it may do.
  for (let i = NODES - 1; workflowFaults({ run_id, nodes }).length > 0; i -= 1) delete nodes[i]?.exclusive;
  return { run_id, nodes };
}

/** Which attempts fail, by the seed alone: the same whatever the schedule. Some nodes never come down, however often it is tried. */
function failurePlan(seed: number): (node: string, phase: string, attempt: number) => "ok" | "passing" | "permanent" {
  const drawn = (text: string): number => {
    let hash = seed;
    for (const c of text) hash = Math.imul(hash ^ c.charCodeAt(0), 0x01000193);
    return uniform(hash)();
  };
  return (node, phase, attempt) => {
    if ((teardown as readonly string[]).includes(phase) && drawn(`${node}/${phase}`) < STUCK) return "passing";
    const value = drawn(`${node}/${phase}/${attempt}`);
    if (value >= FAILING) return "ok";
    return value < FAILING / 4 ? "permanent" : "passing";
  };
}

type Plan = ReturnType<typeof failurePlan>;

/** One attempt at a phase, as a board sees it. */
type Step = Pick<Action, "phase" | "attempt"> & { ok: boolean };

/** The attempts at a phase when they go by the plan; the last one tells how it ended. */
function tries(plan: Plan, node: string, phase: string, attempts: number, mayGiveUp: boolean): Step[] {
  const steps: Step[] = [];
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const fate = plan(node, phase, attempt);
    steps.push({ phase, attempt, ok: fate === "ok" });
    if (fate === "ok" || (fate === "permanent" && mayGiveUp)) break;
  }
  return steps;
}

const ended = (steps: Step[]): boolean => steps.at(-1)?.ok === true;

/** All that a node does on its way forward when nothing cancels it. */
function wayForward(plan: Plan, node: NodeSpec): Step[] {
  const steps: Step[] = [];
  for (const phase of node.phases) {
    steps.push(...tries(plan, node.id, phase, node.retries + 1, true));
    if (!ended(steps)) break;
  }
  return steps;
}

/** All that brings a node down which has come so far. */
function wayBack(plan: Plan, node: NodeSpec, forward: Step[]): { stop: Step[]; deinit: Step[] } {
  const begun = forward.some(({ phase }) => phase === "start");
  return {
    stop: begun ? tries(plan, node.id, "stop", 5, false) : [],
    deinit: tries(plan, node.id, "deinit", 5, false),
  };
}

/** What becomes of each node of an uncancelled run and what it does, worked out node by node without any schedule. */
function reference({ nodes }: Workflow, plan: Plan): Map<string, { status: NodeStatus; steps: Step[] }> {
  const result = new Map<string, { status: NodeStatus; steps: Step[] }>();
  const passed = new Set<string>();
  for (const node of nodes) {
    if (!node.after.every((id) => passed.has(id))) {
      result.set(node.id, { status: "skipped", steps: [] });
      continue;
    }
    const forward = wayForward(plan, node);
    const { stop, deinit } = wayBack(plan, node, forward);
    if (ended(forward)) passed.add(node.id);
    const done = ended(forward) && ended(stop) && ended(deinit);
    result.set(node.id, { status: done ? "done" : "failed", steps: [...forward, ...stop, ...deinit] });
  }
  return result;
}

/**
 * A world that carries an action out once, however often it is asked, and keeps the order in which things happened. It knows
 * an action by its id alone, as boards do; an id that comes with another action, and an action that comes with another id, are
 * hardware actions that are left out or repeated.
 */
class World {
  readonly log: { action: Action; ok: boolean }[] = [];
  private readonly results = new Map<string, { what: string; event: RunEvent }>();
  private readonly ids = new Map<string, string>();
  private readonly plan: Plan;

  constructor(plan: Plan) {
    this.plan = plan;
  }

  carryOut(action: Action): RunEvent {
    const { id, node, phase, attempt } = action;
    const what = `${phase} ${attempt} of node ${node}`;
    const known = this.results.get(id);
    if (known !== undefined) {
      if (known.what !== what) throw new Error(`${what} came under the id of ${known.what}: ${id}`);
      return known.event;
    }
    const before = this.ids.get(what);
    if (before !== undefined) throw new Error(`${what} was carried out as ${before} and came again as ${id}`);
    const fate = this.plan(node, phase, attempt);
    const event: RunEvent =
      fate === "ok"
        ? { type: "succeeded", node, phase, attempt }
        : { type: "failed", node, phase, attempt, reason: "planned", permanent: fate === "permanent" };
    this.results.set(id, { what, event });
    this.ids.set(what, id);
    this.log.push({ action, ok: fate === "ok" });
    return event;
  }

  /** What a node did, in order. */
  stepsOf(node: string): Step[] {
    const own = this.log.filter(({ action }) => action.node === node);
    return own.map(({ action: { phase, attempt }, ok }) => ({ phase, attempt, ok }));
  }
}

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
    if (step === cancelAt) take({ type: "cancelled", reason: "enough", author: "tester" });
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

/** What must hold of any run, read from what the world saw. */
function check({ world, flow, plan }: ReturnType<typeof run>): void {
  const index = new Map<string, { first: number; started: number; last: number }>();
  for (const [i, { action, ok }] of world.log.entries()) {
    const seen = index.get(action.node) ?? { first: i, started: Number.POSITIVE_INFINITY, last: i };
    seen.last = i;
    if (action.phase === "start" && ok) seen.started = i;
    index.set(action.node, seen);
  }
  const ancestors = new Map<string, Set<string>>();
  for (const node of flow.nodes) {
    const all = new Set(node.after.flatMap((id) => [id, ...(ancestors.get(id) as Set<string>)]));
    ancestors.set(node.id, all);
    const seen = index.get(node.id);
    if (seen === undefined) continue;
    // Its way forward may have been cut short; every node that began is brought down, and nothing is done twice.
    const steps = world.stepsOf(node.id);
    const forward = steps.filter(({ phase }) => node.phases.includes(phase));
    expect(forward).toEqual(wayForward(plan, node).slice(0, forward.length));
    const { stop, deinit } = wayBack(plan, node, forward);
    expect(steps).toEqual([...forward, ...stop, ...deinit]);
    for (const id of node.after) {
      const before = index.get(id);
      expect(before?.started).toBeLessThan(seen.first);
      const down = world.log.findIndex(({ action }) => action.node === id && ["stop", "deinit"].includes(action.phase));
      expect(down).toBeGreaterThan(seen.last);
    }
  }
  for (const a of flow.nodes) {
    for (const b of flow.nodes) {
      if (a.id >= b.id || !a.exclusive?.some((key) => b.exclusive?.includes(key))) continue;
      if (ancestors.get(a.id)?.has(b.id) || ancestors.get(b.id)?.has(a.id)) continue;
      const [x, y] = [index.get(a.id), index.get(b.id)];
      if (x !== undefined && y !== undefined) expect(x.last < y.first || y.last < x.first).toBe(true);
    }
  }
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
