import type { ChannelModel } from "../device/channel.ts";
import type { BayHub, TargetFlags } from "../events.ts";

/**
 * The flags of every target. `available`: its state is known, no fault is latched, nobody has leased it and no
 * experiment runs on it. Whoever runs experiments says so with `experiment`.
 */
export class Flags {
  private readonly hub: BayHub;
  private readonly channels: ChannelModel[];
  private readonly running = new Map<string, number>();
  private readonly told = new Map<string, string>();

  constructor(hub: BayHub, channels: ChannelModel[]) {
    this.hub = hub;
    this.channels = channels;
    hub.on("power", (target) => this.tell(target.name));
    hub.on("fault", (target) => this.tell(target.name));
    hub.on("lease", (target) => this.tell(target));
  }

  of(target: string): TargetFlags {
    const channel = this.channels.find((entry) => entry.name === target);
    const experiment_running = (this.running.get(target) ?? 0) > 0;
    const usable = channel !== undefined && channel.power !== "unknown" && channel.fault === null;
    return { experiment_running, available: usable && channel.lease === null && !experiment_running };
  }

  /** An experiment begins on a target; the returned function says that it has ended. */
  experiment(target: string): () => void {
    this.count(target, 1);
    let ended = false;
    return () => {
      if (!ended) this.count(target, -1);
      ended = true;
    };
  }

  private count(target: string, by: number): void {
    this.running.set(target, (this.running.get(target) ?? 0) + by);
    this.tell(target);
  }

  private tell(target: string): void {
    const flags = this.of(target);
    const text = JSON.stringify(flags);
    if (this.told.get(target) === text) return;
    this.told.set(target, text);
    this.hub.emit("flags", target, flags);
  }
}
