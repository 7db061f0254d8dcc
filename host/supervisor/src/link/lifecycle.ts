/**
 * Lifecycle of a board as a pure machine.
 *
 * - absent: there is no port for it
 * - opening: its port is there and is being opened
 * - handshaking: open, no answer yet
 * - ready: a session is open; degraded: the same, with many errors on the link
 * - lost: there was a session, and there is none; its state is unknown until it has been read again
 */
export const lifecycles = ["absent", "opening", "handshaking", "ready", "degraded", "lost"] as const;
export type Lifecycle = (typeof lifecycles)[number];

export const lifecycleEvents = [
  /** The port was found and is being opened. */
  "found",
  "opened",
  /** The port is there and could not be opened. */
  "open-failed",
  /** There is no such port. */
  "missing",
  "welcomed",
  "silent",
  "closed",
  "errors",
  "clean",
  "stopped",
] as const;
export type LifecycleEvent = (typeof lifecycleEvents)[number];

const table: Record<Lifecycle, Partial<Record<LifecycleEvent, Lifecycle>>> = {
  absent: { found: "opening" },
  opening: { opened: "handshaking", "open-failed": "absent", missing: "absent", closed: "absent" },
  handshaking: { welcomed: "ready", closed: "absent", missing: "absent" },
  ready: { silent: "lost", closed: "lost", missing: "lost", errors: "degraded" },
  degraded: { silent: "lost", closed: "lost", missing: "lost", clean: "ready", welcomed: "ready" },
  // A lost board stays so while its port is opened again; without a port it is absent.
  lost: { welcomed: "ready", missing: "absent" },
};

/** The next state; an event that means nothing in a state leaves it as it is. */
export function nextLifecycle(state: Lifecycle, event: LifecycleEvent): Lifecycle {
  if (event === "stopped") return "absent";
  return table[state][event] ?? state;
}
