import { apply, due, finished, inFlight, type RunState, replay } from "./machine.ts";
import type { Action, RunEvent } from "./workflow.ts";

/** Where the events of runs are kept. What `append` has taken is there after a crash; all see the same order. */
export interface JournalPort {
  /** Appends where the run has `after` events; false, and nothing is written, where others came in between. */
  append(run_id: string, after: number, event: RunEvent): Promise<boolean>;
  /** Events from number `from` (0 the first) on. */
  read(run_id: string, from: number): Promise<RunEvent[]>;
}

/** An effect that must not be tried again. */
export interface Failure {
  reason: string;
  permanent: boolean;
}

/** What carries actions out. An action that comes again under an id that was carried out changes nothing more. */
export interface EffectsPort {
  /** Outputs of the nodes before it are in `inputs`. Resolves with the output or with why it failed; never rejects. */
  run(
    action: Action,
    state: RunState,
    inputs: Record<string, unknown>,
    signal: AbortSignal,
  ): Promise<{ output: unknown } | { failure: Failure }>;
}

export interface WorkerOptions {
  /** Aborts the run: it is cancelled, and every node is brought down. */
  signal: AbortSignal;
  /** Resolves when the journal may have events of others (holds, cancellations), or after a while. */
  pause(): Promise<void>;
  onEvent?(event: RunEvent, state: RunState): void;
}

/**
 * Carries a run on to its end. Each event is in the journal before it counts, so that a run whose worker died goes on from
 * there: what was under way is carried out again under the same id.
 */
export async function work(
  journal: JournalPort,
  effects: EffectsPort,
  run_id: string,
  options: WorkerOptions,
): Promise<RunState> {
  const known = await journal.read(run_id, 0);
  const state = replay(known);
  let count = known.length;
  const running = new Map<string, Promise<void>>();
  const aborts = new Map<string, AbortController>();

  const take = (event: RunEvent): void => {
    apply(state, event);
    count += 1;
    if (event.type === "cancelled") for (const [id, abort] of aborts) if (!isTeardown(id)) abort.abort();
    options.onEvent?.(event, state);
  };
  const refresh = async (): Promise<void> => {
    for (const event of await journal.read(run_id, count)) take(event);
  };
  /** Writes an event; `still` says whether it holds after events of others. */
  const record = async (event: RunEvent, still: () => boolean): Promise<boolean> => {
    while (still()) {
      if (await journal.append(run_id, count, event)) {
        take(event);
        return true;
      }
      await refresh();
    }
    return false;
  };
  // Events are appended one after the other: each is decided on what the one before has made.
  let turn: Promise<unknown> = Promise.resolve();
  const serially = <T>(body: () => Promise<T>): Promise<T> => {
    const next = turn.then(body);
    // Whoever asked for this turn gets its error; the turns after it only wait for its end.
    turn = next.catch(() => undefined);
    return next;
  };

  const carryOut = (action: Action): void => {
    const { id, node, phase, attempt } = action;
    if (state.cancelled !== undefined && !isTeardown(id)) {
      // Of what was under way when the run was cancelled nothing is begun again.
      const event: RunEvent = { type: "failed", node, phase, attempt, reason: "interrupted", permanent: false };
      running.set(
        id,
        serially(() => record(event, () => true)).then(() => void running.delete(id)),
      );
      return;
    }
    const abort = new AbortController();
    aborts.set(id, abort);
    const spec = state.nodes.get(node)?.spec;
    const inputs = Object.fromEntries((spec?.after ?? []).map((other) => [other, state.nodes.get(other)?.output]));
    const flight = effects.run(action, state, inputs, abort.signal).then(async (result) => {
      aborts.delete(id);
      const event: RunEvent =
        "failure" in result
          ? { type: "failed", node, phase, attempt, ...result.failure }
          : { type: "succeeded", node, phase, attempt, output: result.output };
      await serially(() => record(event, () => true));
      running.delete(id);
    });
    running.set(id, flight);
  };

  const catchUp = async (): Promise<void> => {
    await serially(refresh);
    if (!options.signal.aborted) return;
    const event: RunEvent = { type: "cancelled", reason: "interrupted", author: "worker" };
    await serially(() => record(event, () => state.cancelled === undefined && !finished(state)));
  };

  const stop = raised(options.signal);
  await catchUp();
  for (const action of inFlight(state)) carryOut(action);
  for (;;) {
    await catchUp();
    for (const action of due(state)) {
      const { node, phase, attempt } = action;
      const event: RunEvent = { type: "started", node, phase, attempt };
      const wanted = (): boolean => due(state).some((other) => other.id === action.id);
      if (await serially(() => record(event, wanted))) carryOut(action);
    }
    if (finished(state) && running.size === 0) return state;
    const news = [...running.values(), options.pause()];
    await Promise.race(state.cancelled === undefined ? [...news, stop] : news);
  }
}

function isTeardown(id: string): boolean {
  return /\/(stop|deinit)\/\d+$/.test(id);
}

function raised(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
