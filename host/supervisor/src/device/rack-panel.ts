import type { Message } from "@mltb/protocol";
import type { BayHub } from "../events.ts";
import type { DeviceLink } from "../link/device-link.ts";
import type { ChannelModel } from "./channel.ts";

const REQUEST_MS = 1500;
/** Most of a holder's name that is worth sending to a display of 20 columns. */
const HOLDER_CHARS = 32;

/** What the board measures of its rack; null where it does not say, or where its part is silent. */
export interface RackHealth {
  temperature_c: number | null;
  supply_v: number | null;
  supply_a: number | null;
}

/** The display has ASCII below its arrows: everything else is a question mark there. */
function printable(text: string): string {
  return text.slice(0, HOLDER_CHARS).replace(/[^\x20-\x7d]/g, "?");
}

/**
 * What the host tells a rack's panel beside pages: its lock, a line of what the host is doing, and who has leased which
 * target. Told again to a board that has started anew.
 */
export class RackPanel {
  locked = false;
  note = "";
  health: RackHealth = { temperature_c: null, supply_v: null, supply_a: null };
  private readonly link: DeviceLink;
  private readonly able: () => boolean;
  private readonly channels: (ChannelModel | undefined)[];
  /** Channels whose lease waits for `flush`: a board that measures is asked nothing, each request costs it time. */
  private readonly waiting = new Set<number>();
  private readonly measuring: () => boolean;
  private readonly leases = new Map<number, { holder: string; expires_at: string }>();
  /** Channels of which the board is being told, and whether there has been news of them since. */
  private readonly telling = new Map<number, boolean>();
  private readonly ends: (() => void)[] = [];

  constructor(
    link: DeviceLink,
    hub: BayHub,
    channels: (ChannelModel | undefined)[],
    able: () => boolean,
    measuring: () => boolean,
  ) {
    this.measuring = measuring;
    this.link = link;
    this.able = able;
    this.channels = channels;
    for (const entry of channels) {
      if (entry === undefined) continue;
      const { name, channel } = entry;
      const end = hub.onLease(name, (_target, lease) => {
        if (lease === null) this.leases.delete(channel);
        else this.leases.set(channel, { holder: lease.holder, expires_at: lease.expires_at });
        if (this.measuring()) this.waiting.add(channel);
        else void this.tell(channel);
      });
      this.ends.push(end);
    }
  }

  /** Hears of no lease any more. Idempotent. */
  stop(): void {
    for (const end of this.ends.splice(0)) end();
  }

  /** Locks or frees the panel's actions and sets the note; what is undefined stays as it is. */
  async set(locked: boolean | undefined, note: string | undefined) {
    const wanted = { locked: (locked ?? this.locked) ? 1 : 0, note: printable(note ?? this.note) };
    const outcome = await this.link.request("panel_set", wanted, REQUEST_MS);
    if (outcome.kind === "answer") {
      this.locked = wanted.locked === 1;
      this.note = wanted.note;
    }
    return outcome;
  }

  /** A board that has just come knows nothing. */
  welcomed(): void {
    if (!this.able()) return;
    if (this.locked || this.note !== "") void this.set(undefined, undefined);
    for (const channel of this.channels) if (channel !== undefined) void this.tell(channel.channel);
  }

  seen(state: Message<"rack_state">): void {
    this.health = {
      temperature_c: (state.flags & 2) === 0 ? state.temperature_mdeg / 1000 : null,
      supply_v: (state.flags & 4) === 0 ? state.supply_mv / 1000 : null,
      supply_a: (state.flags & 4) === 0 ? state.supply_ma / 1000 : null,
    };
  }

  /** Tells what had to wait: to be called where no window is open. */
  flush(): void {
    const channels = [...this.waiting];
    this.waiting.clear();
    for (const channel of channels) void this.tell(channel);
  }

  private async tell(channel: number): Promise<void> {
    if (!this.able() || !this.link.session.port.open) return;
    // Leases may change faster than a board answers.
    if (this.telling.has(channel)) {
      this.telling.set(channel, true);
      return;
    }
    this.telling.set(channel, false);
    const lease = this.leases.get(channel);
    const left_ms = lease === undefined ? 0 : Date.parse(lease.expires_at) - Date.now();
    // A lease whose time is over is ended by the table that grants it, which tells so.
    const left_s = lease === undefined ? 0 : Math.min(864_000, Math.max(1, Math.ceil(left_ms / 1000)));
    const holder = lease === undefined ? "" : printable(lease.holder) || "?";
    await this.link.request("panel_lease", { channel, left_s, holder }, REQUEST_MS);
    const news = this.telling.get(channel) === true;
    this.telling.delete(channel);
    if (news) await this.tell(channel);
  }
}
