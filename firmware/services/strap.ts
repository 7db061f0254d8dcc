import {
  type BoardSession,
  type Body,
  bodyCheck,
  Cause,
  ChannelState,
  Outcome,
  PowerAction,
  Refusal,
  STRAP_STEP_BYTES,
  STRAP_STEPS,
  StrapLine,
  StrapStep,
} from "@mltb/protocol";
import type { Power } from "./power.ts";
import type { Storage } from "./storage.ts";

const STEP = "<BBI2";
const NAME_LONGEST = 20;

interface Run {
  steps: string;
  /** Bytes of the steps that are done. */
  done: number;
  tag: number;
  /** The step under way has begun; it switches, and waits for the proof. */
  begun: boolean;
  until_ms: number;
}

/** Lines of a target that a sequence sets. */
interface Lines {
  reset(this: void, index: number, level: number): void;
  strap(this: void, index: number, level: number): void;
}

/** Strap sequences: stored as data, run by the board, whatever becomes of the host. */
export interface Strap {
  /** A command for the channel was accepted: unless it is the sequence's own, the sequence is over. */
  commanded(this: void, index: number, cause: number): void;
  tick(this: void, now_ms: number): void;
  quiet(this: void): boolean;
  handlers: Record<string, (this: void, body: Body, tag: number, now_ms: number) => void>;
}

/** False for steps that say nothing, or do not end. */
function sound(steps: string): boolean {
  if (steps.length % STRAP_STEP_BYTES !== 0 || steps.length > STRAP_STEPS * STRAP_STEP_BYTES) return false;
  for (let at = 1; at <= steps.length; at += STRAP_STEP_BYTES) {
    const what = string.byte(steps, at);
    if (what < StrapStep.off || what > StrapStep.lines) return false;
    if (string.byte(steps, at + 1) > (StrapLine.reset | StrapLine.strap)) return false;
  }
  return true;
}

export function createStrap(
  channels: number,
  storage: Storage,
  lines: Lines,
  /** The power service within its rules. */
  power: Pick<Power, "state" | "fault"> & { command: Power["command"] },
  answer: (this: void, index: number, outcome: number, tag: number) => void,
  channelOf: (this: void, body: Body, tag: number) => number,
  busy: (this: void) => boolean,
  session: () => BoardSession,
): Strap {
  const runs: (Run | undefined)[] = [];
  let running = 0;

  function set(index: number, argument: number): void {
    lines.reset(index, argument & StrapLine.reset);
    lines.strap(index, (argument & StrapLine.strap) === 0 ? 0 : 1);
  }

  function end(index: number, outcome: number): void {
    const run = runs[index];
    if (run === undefined) return;
    runs[index] = undefined;
    running -= 1;
    set(index, 0);
    if (run.tag !== 0) answer(index, outcome, run.tag);
  }

  function step(index: number, run: Run, now_ms: number): void {
    if (power.fault(index) !== 0) {
      end(index, Outcome.fault);
      return;
    }
    if (now_ms < run.until_ms) return;
    if (run.done >= run.steps.length) {
      end(index, Outcome.done);
      return;
    }
    const [what, argument, wait_ms] = string.unpack(STEP, run.steps, run.done + 1);
    if (what === StrapStep.lines) set(index, argument);
    else {
      const wanted = what === StrapStep.on ? ChannelState.on : ChannelState.off;
      if (!run.begun) {
        run.begun = true;
        const action = what === StrapStep.on ? PowerAction.on : PowerAction.off;
        if (power.command(index, action, 0, 0, Cause.strap, now_ms) !== 0) end(index, Outcome.not_confirmed);
        return;
      }
      if (power.state(index) !== wanted) return;
    }
    run.begun = false;
    run.done += STRAP_STEP_BYTES;
    run.until_ms = now_ms + wait_ms;
  }

  const key = (name: string): string => `strap.${name}`;
  const stored = (name: string, tag: number): void => {
    const steps = storage.get(key(name));
    session().answer(tag, "strap_stored", { name, steps: steps === undefined ? "" : steps });
  };

  return {
    commanded(this: void, index: number, cause: number): void {
      if (cause !== Cause.strap) end(index, Outcome.superseded);
    },
    tick(this: void, now_ms: number): void {
      if (running === 0) return;
      for (let i = 0; i < channels; i += 1) {
        const run = runs[i];
        if (run !== undefined) step(i, run, now_ms);
      }
    },
    quiet(this: void): boolean {
      return running === 0;
    },
    handlers: {
      strap_run(this: void, body: Body, tag: number, now_ms: number): void {
        const index = channelOf(body, tag);
        if (index < 0) return;
        const steps = storage.get(key(body["name"] as string));
        if (body["check"] !== bodyCheck(body["channel"] as number, 0, 0)) {
          session().refuse(tag, Refusal.bad_check, "strap_run");
        } else if (steps === undefined || steps === "") session().refuse(tag, Refusal.not_stored, "name");
        else if (power.fault(index) !== 0) session().refuse(tag, Refusal.fault_latched, "strap_run");
        else {
          end(index, Outcome.superseded);
          runs[index] = { steps, done: 0, tag, begun: false, until_ms: now_ms };
          running += 1;
        }
      },
      strap_set(this: void, body: Body, tag: number): void {
        const name = body["name"] as string;
        const steps = body["steps"] as string;
        if (name === "" || name.length > NAME_LONGEST || !sound(steps)) {
          session().refuse(tag, Refusal.bad_value, "strap_set");
        } else if (storage.get(key(name)) !== steps && busy()) session().refuse(tag, Refusal.busy, "strap_set");
        else if (!storage.set(key(name), steps)) session().refuse(tag, Refusal.not_stored, "strap_set");
        else stored(name, tag);
      },
      strap_get(this: void, body: Body, tag: number): void {
        stored(body["name"] as string, tag);
      },
    },
  };
}
