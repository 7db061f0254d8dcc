/** Lifecycle of a board as a pure machine. */
export type Lifecycle = "absent" | "opening" | "handshaking" | "ready" | "degraded" | "lost";

export type LifecycleEvent =
  | "open-started"
  | "opened"
  | "open-failed"
  | "welcomed"
  | "silent"
  | "closed"
  | "errors"
  | "clean"
  | "stopped";

const table: Record<Lifecycle, Partial<Record<LifecycleEvent, Lifecycle>>> = {
  absent: { "open-started": "opening" },
  opening: { opened: "handshaking", "open-failed": "absent" },
  handshaking: { welcomed: "ready", closed: "absent" },
  ready: { silent: "lost", closed: "lost", errors: "degraded", welcomed: "ready" },
  degraded: { silent: "lost", closed: "lost", clean: "ready", welcomed: "ready" },
  lost: { welcomed: "ready", "open-started": "opening", closed: "lost" },
};

/** The next state; an event that means nothing in a state leaves it as it is. */
export function nextLifecycle(state: Lifecycle, event: LifecycleEvent): Lifecycle {
  if (event === "stopped") return "absent";
  return table[state][event] ?? state;
}
