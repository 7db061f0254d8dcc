import {
  type Action,
  freeForAll,
  type NodeSpec,
  order,
  type Phase,
  type RunEvent,
  turns,
  type Workflow,
  workflowFaults,
} from "./workflow.ts";

/** Attempts of `stop` and `deinit`: a board must be safe, so that these are tried again more often than others. */
const TEARDOWN_ATTEMPTS = 5;

export type NodeStatus = "waiting" | "running" | "ending" | "done" | "failed" | "cancelled" | "skipped";

export interface NodeState {
  spec: NodeSpec;
  /** Forward phases that have succeeded. */
  passed: number;
  /** The first action was started: the node must be brought down. */
  entered: boolean;
  /** The phase that was started last, and how often. */
  tried: { phase: Phase; attempt: number };
  /** `start` was begun, so that `stop` has something to end. */
  begun: boolean;
  /** The action that was started and has not ended. */
  flying: { phase: Phase; attempt: number } | undefined;
  /** `stop` is over; `deinit` is over. */
  stopped: boolean;
  ended: boolean;
  hold: { reason: string; author: string } | undefined;
  failure: string | undefined;
  /** Why the board may not be safe: `deinit` failed every time. */
  unsafe: string | undefined;
  output: unknown;
}

/** A run as its journal has it. */
export interface RunState {
  workflow: Workflow;
  nodes: Map<string, NodeState>;
  /** Nodes behind those that they come after. */
  order: NodeSpec[];
  /** Who must be over before a node may begin. */
  turns: Map<string, string[]>;
  /** Exclusive things that go to whoever is ready first. */
  free: Set<string>;
  cancelled: { reason: string; author: string } | undefined;
}

/** An event that does not fit the run: it is refused before it gets into the journal. */
export class EventError extends Error {}

function fresh(spec: NodeSpec): NodeState {
  return {
    spec,
    passed: 0,
    entered: false,
    tried: { phase: "", attempt: 0 },
    begun: false,
    flying: undefined,
    stopped: false,
    ended: false,
    hold: undefined,
    failure: undefined,
    unsafe: undefined,
    output: undefined,
  };
}

function forwardDone(node: NodeState): boolean {
  return node.passed === node.spec.phases.length;
}

/** The node's forward way is over, well or badly. */
function over(state: RunState, node: NodeState): boolean {
  return forwardDone(node) || node.failure !== undefined || state.cancelled !== undefined;
}

/** Nodes that have not begun and never will: something before them has failed, or the run was cancelled. */
function doomed(state: RunState): Set<string> {
  const found = new Set<string>();
  for (const { id } of state.order) {
    const node = state.nodes.get(id) as NodeState;
    if (node.entered) continue;
    const blocked = node.spec.after.some((other) => {
      const before = state.nodes.get(other) as NodeState;
      return found.has(other) || before.failure !== undefined || (before.ended && !forwardDone(before));
    });
    if (blocked || state.cancelled !== undefined) found.add(id);
  }
  return found;
}

/** Another node uses what this one wants for itself, and whoever is ready first takes it. */
function taken(state: RunState, node: NodeState): boolean {
  const keys = (node.spec.exclusive ?? []).filter((key) => state.free.has(key));
  if (keys.length === 0) return false;
  return [...state.nodes.values()].some(
    (other) =>
      other !== node && other.entered && !other.ended && keys.some((key) => other.spec.exclusive?.includes(key)),
  );
}

/** The next phase of a node, or undefined where it has to wait or is over. */
function nextPhase(state: RunState, node: NodeState, lost: Set<string>): Phase | undefined {
  if (node.flying !== undefined || node.ended || lost.has(node.spec.id)) return undefined;
  if (!over(state, node)) {
    if (node.hold !== undefined) return undefined;
    if (node.entered) return node.spec.phases[node.passed];
    const ready = node.spec.after.every((id) => forwardDone(state.nodes.get(id) as NodeState));
    const turn = state.turns.get(node.spec.id)?.every((id) => lost.has(id) || state.nodes.get(id)?.ended);
    return ready && turn === true && !taken(state, node) ? node.spec.phases[0] : undefined;
  }
  if (!node.entered) return undefined;
  // A held node keeps its board as it is, unless the run is cancelled.
  if (node.hold !== undefined && state.cancelled === undefined) return undefined;
  for (const other of state.nodes.values())
    if (other.spec.after.includes(node.spec.id) && !other.ended && !lost.has(other.spec.id)) return undefined;
  return node.begun && !node.stopped ? "stop" : "deinit";
}

/** Actions that are due now, in the order of the workflow. Starting one may make others wait. */
export function due(state: RunState): Action[] {
  const actions: Action[] = [];
  const lost = doomed(state);
  for (const node of state.nodes.values()) {
    const phase = nextPhase(state, node, lost);
    if (phase === undefined) continue;
    actions.push(actionOf(state, node.spec.id, phase, attemptOf(node, phase)));
  }
  return actions;
}

function attemptOf(node: NodeState, phase: Phase): number {
  return node.tried.phase === phase ? node.tried.attempt + 1 : 1;
}

/** Actions that were under way when the worker died: they are carried out again under their ids. */
export function inFlight(state: RunState): Action[] {
  return [...state.nodes.values()].flatMap((node) =>
    node.flying === undefined ? [] : [actionOf(state, node.spec.id, node.flying.phase, node.flying.attempt)],
  );
}

function actionOf(state: RunState, node: string, phase: Phase, attempt: number): Action {
  return { id: `${state.workflow.run_id}/${node}/${phase}/${attempt}`, node, phase, attempt };
}

/** Nothing is left to do: every node was brought down, or will never begin. */
export function finished(state: RunState): boolean {
  const lost = doomed(state);
  return [...state.nodes.values()].every((node) => node.ended || lost.has(node.spec.id));
}

/** Every node with the word for where it stands. */
export function statuses(state: RunState): Map<string, NodeStatus> {
  const lost = doomed(state);
  const word = (node: NodeState): NodeStatus => {
    if (lost.has(node.spec.id)) return state.cancelled !== undefined ? "cancelled" : "skipped";
    if (!node.entered) return "waiting";
    if (!node.ended) return over(state, node) ? "ending" : "running";
    if (node.failure !== undefined || node.unsafe !== undefined) return "failed";
    return forwardDone(node) ? "done" : "cancelled";
  };
  return new Map([...state.nodes].map(([id, node]) => [id, word(node)]));
}

/**
 * The state of a run from its journal; throws where the journal does not fit itself. A cancellation behind the end, which journals
 * may hold that were written when it was taken, changes nothing of what was done.
 */
export function replay(events: Iterable<RunEvent>): RunState {
  let state: RunState | undefined;
  for (const event of events) {
    if (event.type === "cancelled" && state !== undefined && finished(state)) continue;
    state = apply(state, event);
  }
  if (state === undefined) throw new EventError("the journal is empty");
  return state;
}

/** Takes an event; throws `EventError` and changes nothing where it does not fit. */
export function apply(state: RunState | undefined, event: RunEvent): RunState {
  if (event.type === "submitted") {
    if (state !== undefined) throw new EventError("the run was submitted already");
    const faults = workflowFaults(event.workflow);
    if (faults.length > 0) throw new EventError(faults.join("; "));
    const nodes = new Map(event.workflow.nodes.map((spec) => [spec.id, fresh(spec)]));
    return {
      workflow: event.workflow,
      nodes,
      order: order(event.workflow.nodes),
      turns: turns(event.workflow.nodes),
      free: freeForAll(event.workflow.nodes),
      cancelled: undefined,
    };
  }
  if (state === undefined) throw new EventError("the run was not submitted");
  if (event.type === "cancelled") {
    if (finished(state)) throw new EventError("the run has ended and cannot be cancelled");
    state.cancelled ??= { reason: event.reason, author: event.author };
    return state;
  }
  const node = state.nodes.get(event.node);
  if (node === undefined) throw new EventError(`there is no node ${event.node}`);
  switch (event.type) {
    case "held":
      if (node.ended || doomed(state).has(event.node))
        throw new EventError(`node ${event.node} is over and cannot be held`);
      node.hold = { reason: event.reason, author: event.author };
      break;
    case "resumed":
      if (node.hold === undefined) throw new EventError(`node ${event.node} is not held`);
      node.hold = undefined;
      break;
    case "started":
      start(state, node, event.phase, event.attempt);
      break;
    case "succeeded":
      land(node, event.phase, event.attempt);
      succeed(node, event.phase, event.output);
      break;
    case "failed":
      land(node, event.phase, event.attempt);
      fail(node, event.phase, event.reason, event.permanent);
      break;
  }
  return state;
}

function start(state: RunState, node: NodeState, phase: Phase, attempt: number): void {
  const wanted = nextPhase(state, node, doomed(state));
  if (wanted !== phase || attempt !== attemptOf(node, phase))
    throw new EventError(`${phase} ${attempt} of node ${node.spec.id} is not due; ${wanted ?? "nothing"} is`);
  node.entered = true;
  node.begun ||= phase === "start";
  node.tried = { phase, attempt };
  node.flying = { phase, attempt };
}

function land(node: NodeState, phase: Phase, attempt: number): void {
  if (node.flying?.phase !== phase || node.flying.attempt !== attempt)
    throw new EventError(`${phase} ${attempt} of node ${node.spec.id} is not under way`);
  node.flying = undefined;
}

function succeed(node: NodeState, phase: Phase, output: unknown): void {
  if (phase === "stop") node.stopped = true;
  else if (phase === "deinit") node.ended = true;
  else {
    node.passed += 1;
    if (output !== undefined) node.output = output;
  }
}

function fail(node: NodeState, phase: Phase, reason: string, permanent: boolean): void {
  if (phase !== "stop" && phase !== "deinit") {
    if (permanent || node.tried.attempt > node.spec.retries) node.failure = `${phase}: ${reason}`;
    return;
  }
  if (node.tried.attempt < TEARDOWN_ATTEMPTS) return;
  if (phase === "deinit") {
    node.ended = true;
    node.unsafe = reason;
  } else {
    node.stopped = true;
    node.failure ??= `stop: ${reason}`;
  }
}
