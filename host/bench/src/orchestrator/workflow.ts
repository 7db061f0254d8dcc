/** What a node does with its service: preparing (`init`, `config`, phases of its class), `start`, and the way back. */
export type Phase = string;

/** Phases that bring a node down, in this order; `deinit` leaves the board safe. */
export const teardown = ["stop", "deinit"] as const;

/** A (service, component) couple of a workflow. */
export interface NodeSpec {
  id: string;
  service: string;
  component: string;
  /** Nodes whose `start` must have succeeded first, and whose outputs this node gets. They are brought down after it. */
  after: string[];
  /** Forward phases in their order: `init`, `config`, those of the service's class, `start`. */
  phases: Phase[];
  /** Further attempts of a forward phase that failed in a way that may pass. */
  retries: number;
  /**
   * What only one node at a time may use, such as `target:NAME`, from its first phase to its `deinit`; a node may use what a node
   * that it comes after holds. Where only nodes that nothing comes after use a thing, whoever is ready takes it; else nodes take
   * turns in the order of the workflow, so that none waits for ever.
   */
  exclusive?: string[];
  parameters: Record<string, unknown>;
}

export interface Workflow {
  run_id: string;
  nodes: NodeSpec[];
}

/** One phase of a node, to be carried out. Its id is the same whenever it is carried out anew after a crash. */
export interface Action {
  id: string;
  node: string;
  phase: Phase;
  /** From 1 on. */
  attempt: number;
}

/** What the journal of a run holds. The state of a run is what these make of it, and nothing else. */
export type RunEvent =
  | { type: "submitted"; workflow: Workflow }
  | { type: "started"; node: string; phase: Phase; attempt: number }
  | { type: "succeeded"; node: string; phase: Phase; attempt: number; output?: unknown }
  | { type: "failed"; node: string; phase: Phase; attempt: number; reason: string; permanent: boolean }
  | { type: "held"; node: string; reason: string; author: string }
  | { type: "resumed"; node: string; author: string }
  | { type: "cancelled"; reason: string; author: string };

/** The usual forward phases, with those that a class of services puts between `config` and `start`. */
export function forwardPhases(between: string[] = []): Phase[] {
  return ["init", "config", ...between, "start"];
}

/** What is wrong with a workflow, in words; empty where it is a DAG of distinct nodes. */
export function workflowFaults({ nodes }: Workflow): string[] {
  const faults: string[] = [];
  const known = new Map(nodes.map((node) => [node.id, node]));
  if (known.size !== nodes.length) faults.push("two nodes have the same id");
  for (const node of nodes) {
    for (const before of node.after)
      if (!known.has(before)) faults.push(`node ${node.id} comes after ${before}, which does not exist`);
    if (node.phases.at(-1) !== "start") faults.push(`node ${node.id}: the last forward phase is start`);
    for (const phase of node.phases)
      if ((teardown as readonly string[]).includes(phase)) faults.push(`node ${node.id}: ${phase} is no forward phase`);
  }
  if (faults.length > 0) return faults;
  if (order(nodes).length < nodes.length) return ["the nodes form a circle"];
  const stuck = deadlock(nodes);
  return stuck.length === 0
    ? []
    : [`nodes ${stuck.join(", ")} would wait for each other: they share what only one may use`];
}

/** Exclusive things that only nodes use which nothing comes after: taken by whoever is ready first. */
export function freeForAll(nodes: NodeSpec[]): Set<string> {
  const last = (node: NodeSpec): boolean => !nodes.some((other) => other.after.includes(node.id));
  const keys = new Set(nodes.flatMap((node) => node.exclusive ?? []));
  return new Set([...keys].filter((key) => nodes.every((node) => !node.exclusive?.includes(key) || last(node))));
}

/** For each node the nodes that must be over before it may begin, because they use the same exclusive thing. */
export function turns(nodes: NodeSpec[]): Map<string, string[]> {
  const sorted = order(nodes);
  const free = freeForAll(nodes);
  const before = new Map<string, Set<string>>();
  for (const node of sorted) before.set(node.id, new Set(node.after.flatMap((id) => [id, ...(before.get(id) ?? [])])));
  return new Map(
    sorted.map((node, i) => {
      const keys = (node.exclusive ?? []).filter((key) => !free.has(key));
      const rivals = sorted
        .slice(0, i)
        .filter((other) => keys.some((key) => other.exclusive?.includes(key)) && !before.get(node.id)?.has(other.id));
      return [node.id, rivals.map((other) => other.id)];
    }),
  );
}

/**
 * Nodes that can never begin or end although nothing fails: a node holds what is exclusive until all that come after it are over,
 * and one of those may wait for another node that wants the same. Found by running the workflow without failures.
 */
function deadlock(nodes: NodeSpec[]): string[] {
  const rivals = turns(nodes);
  const ready = new Set<string>();
  const over = new Set<string>();
  for (let moved = true; moved; ) {
    moved = false;
    for (const node of nodes) {
      if (!ready.has(node.id)) {
        if (!node.after.every((id) => ready.has(id)) || !rivals.get(node.id)?.every((id) => over.has(id))) continue;
        ready.add(node.id);
        moved = true;
      } else if (!over.has(node.id)) {
        if (nodes.some((other) => other.after.includes(node.id) && !over.has(other.id))) continue;
        over.add(node.id);
        moved = true;
      }
    }
  }
  return nodes.filter((node) => !over.has(node.id)).map((node) => node.id);
}

/** Nodes in an order in which each stands behind those it comes after; nodes of a circle are left out. */
export function order(nodes: NodeSpec[]): NodeSpec[] {
  const placed = new Set<string>();
  const list: NodeSpec[] = [];
  for (let before = -1; before < list.length; ) {
    before = list.length;
    for (const node of nodes) {
      if (placed.has(node.id) || !node.after.every((id) => placed.has(id))) continue;
      placed.add(node.id);
      list.push(node);
    }
  }
  return list;
}
