import { expect } from "vitest";
import { uniform } from "../random.ts";
import type { NodeStatus } from "./machine.ts";
import {
  type Action,
  forwardPhases,
  type NodeSpec,
  type RunEvent,
  teardown,
  type Workflow,
  workflowFaults,
} from "./workflow.ts";

export const NODES = 20;
const FAILING = 0.06;
const STUCK = 0.02;

/** A DAG of nodes, some of which share boards, by the seed. */
export function workflow(run_id: string, random: () => number): Workflow {
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
export function failurePlan(
  seed: number,
): (node: string, phase: string, attempt: number) => "ok" | "passing" | "permanent" {
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

export type Plan = ReturnType<typeof failurePlan>;

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
export function reference({ nodes }: Workflow, plan: Plan): Map<string, { status: NodeStatus; steps: Step[] }> {
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
export class World {
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

/** A run that was made, as the world saw it. */
interface Made {
  world: World;
  flow: Workflow;
  plan: Plan;
}

/** What must hold of any run, read from what the world saw. */
export function check({ world, flow, plan }: Made): void {
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
