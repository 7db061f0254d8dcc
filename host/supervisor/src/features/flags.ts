import type { ChannelModel } from "../device/channel.ts";
import type { BayHub, TargetFlags } from "../events.ts";
import type { Leases } from "../leases/leases.ts";

/**
 * The flags of every target. `available`: its state is known, no fault is latched and nobody has leased it. An experiment runs
 * on a target for as long as a lease says so, so that the flag falls with the lease when the experiment's process dies.
 */
export class Flags {
  private readonly hub: BayHub;
  private readonly find: (target: string) => ChannelModel | undefined;
  private readonly leases: Pick<Leases, "of">;
  private readonly told = new Map<string, string>();

  constructor(hub: BayHub, find: (target: string) => ChannelModel | undefined, leases: Pick<Leases, "of">) {
    this.hub = hub;
    this.find = find;
    this.leases = leases;
    hub.on("power", (target) => this.tell(target.name));
    hub.on("fault", (target) => this.tell(target.name));
    hub.on("lease", (target) => this.tell(target));
  }

  of(target: string): TargetFlags {
    const channel = this.find(target);
    const lease = this.leases.of(target);
    const usable = channel !== undefined && channel.power !== "unknown" && channel.fault === null;
    return { experiment_running: lease?.experiment === true, available: usable && lease === undefined };
  }

  private tell(target: string): void {
    const flags = this.of(target);
    const text = JSON.stringify(flags);
    if (this.told.get(target) === text) return;
    this.told.set(target, text);
    this.hub.emit("flags", target, flags);
  }
}
