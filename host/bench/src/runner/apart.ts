import { type Bay, bayTargets } from "@mltb/contract";
import { interruption } from "./bay-api.ts";

interface Visitor {
  kind: string;
  inside: boolean;
  /** Lets it in. */
  open(): void;
}

/** A room in which visitors of one kind may be together, and none of another; all enter in the order in which they came. */
class Room {
  /** Those inside, and behind them those who wait. */
  private readonly visitors: Visitor[] = [];

  /** Resolves when it is this visitor's turn, with how it leaves; rejects when `signal` is raised before. */
  enter(kind: string, signal: AbortSignal | undefined): Promise<() => void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        const at = this.visitors.indexOf(visitor);
        if (at >= 0) this.visitors.splice(at, 1);
        this.admit();
      };
      const away = (): void => {
        leave();
        reject(interruption(signal as AbortSignal));
      };
      const open = (): void => {
        signal?.removeEventListener("abort", away);
        resolve(leave);
      };
      const visitor: Visitor = { kind, inside: false, open };
      this.visitors.push(visitor);
      if (signal?.aborted === true) return away();
      signal?.addEventListener("abort", away, { once: true });
      this.admit();
    });
  }

  private admit(): void {
    const [first] = this.visitors;
    for (const visitor of this.visitors) {
      if (visitor.kind !== first?.kind) return;
      if (visitor.inside) continue;
      visitor.inside = true;
      visitor.open();
    }
  }
}

/** The target's agent runs on this machine: two of them would take each other's processors while they are measured. */
export function sharesHost(bay: Bay, target: string): boolean {
  const found = bayTargets(bay).find((entry) => entry.target.target === target);
  return found?.rack.board.link === "simulated" && found.target.agent !== undefined;
}

/**
 * Keeps what a run does out of the windows of its other targets. Windows of several targets may be open at once; a switch of
 * the same rack waits for their end, because each command costs their monitoring board time, and so does what this machine works on
 * where it carries their agents. Whoever waits goes before windows that come later.
 */
export class Apart {
  private readonly rooms = new Map<string, Room>();
  private readonly bay: Bay | undefined;

  constructor(bay?: Bay) {
    this.bay = bay;
  }

  /** Records and measures a target. */
  windows<T>(target: string, signal: AbortSignal | undefined, body: () => Promise<T>): Promise<T> {
    // Who works on this machine holds no rack: always in this order, nobody waits in a circle.
    const shared = this.bay !== undefined && sharesHost(this.bay, target);
    const inside = (): Promise<T> => (shared ? this.within("host", "windows", signal, body) : body());
    return this.within(this.rackOf(target), "windows", signal, inside);
  }

  /** Switches a target. */
  power<T>(target: string, signal: AbortSignal | undefined, body: () => Promise<T>): Promise<T> {
    return this.within(this.rackOf(target), "power", signal, body);
  }

  /** Takes this machine's processors. */
  work<T>(signal: AbortSignal | undefined, body: () => Promise<T>): Promise<T> {
    return this.within("host", "work", signal, body);
  }

  private rackOf(target: string): string {
    const found = this.bay?.racks.find(({ targets }) => targets.some((entry) => entry.target === target));
    return found === undefined ? `target:${target}` : `rack:${found.rack}`;
  }

  private async within<T>(
    name: string,
    kind: string,
    signal: AbortSignal | undefined,
    body: () => Promise<T>,
  ): Promise<T> {
    const room = this.rooms.get(name) ?? new Room();
    this.rooms.set(name, room);
    const leave = await room.enter(kind, signal);
    try {
      return await body();
    } finally {
      leave();
    }
  }
}
