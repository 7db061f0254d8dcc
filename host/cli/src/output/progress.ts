import type { Progress } from "@mltb/bench";
import type { Steps } from "./steps.ts";

/** Shows the progress of a run as notes, one line an event. */
export function progressTo(steps: Steps): (event: Progress) => void {
  return (event) => steps.note(event.text);
}
