import type { TargetView } from "@mltb/contract";
import type { AgentApi, grpcAgent } from "./agent-client.ts";
import type { AgentWatch } from "./agents.ts";
import type { BayApi, Held } from "./bay-api.ts";
import type { Reference } from "./reference.ts";
import { untilGone } from "./until-gone.ts";

/** Time for a target to boot and its agent to announce itself. */
const AGENT_MS = 30_000;

/** What a run needs from outside; tests put others in their place. */
export interface RunPorts {
  bay: BayApi;
  agents: AgentWatch;
  agent: typeof grpcAgent;
  /** Where there is none, results have no numerical error. */
  reference?: Reference;
}

interface Session {
  lease: Held;
  agent: AgentApi | undefined;
}

/**
 * The boards of a run: leased for as long as the connection to the supervisor is open, so that a board goes to its
 * `on_lease_end` policy when this process dies.
 */
export class Boards {
  private readonly sessions = new Map<string, Session>();
  private readonly ports: RunPorts;
  private readonly holder: string;
  private readonly note: (text: string) => void;

  constructor(ports: RunPorts, holder: string, note: (text: string) => void) {
    this.ports = ports;
    this.holder = holder;
    this.note = note;
  }

  /** Leases a board, after whoever has it. Does nothing where this run has it. */
  async lease(target: string, signal: AbortSignal): Promise<void> {
    const known = this.sessions.get(target);
    if (known !== undefined && !known.lease.lost.aborted) return;
    known?.agent?.close();
    this.sessions.delete(target);
    this.sessions.set(target, {
      lease: await this.ports.bay.lease(target, this.holder, signal),
      agent: undefined,
    });
  }

  /**
   * The agent of a board that is on; where it is gone or does not answer, the board is switched off and on again. Where the
   * process that had leased and switched it on is gone, it is leased and switched on anew: `action` names the step, and under
   * one lease a step switches once.
   */
  async agent(target: string, action: string, signal: AbortSignal): Promise<AgentApi> {
    await this.lease(target, signal);
    const session = this.sessions.get(target) as Session;
    if (session.agent !== undefined) {
      // It may have died a moment ago, before anybody could say so.
      if (await session.agent.live()) return session.agent;
      session.agent.close();
      session.agent = undefined;
      // A board that hangs is not asked to end: it loses its power and boots.
      await this.ports.bay.power(target, "off", session.lease.id, `${action}/${session.lease.id}/gone`);
      this.note(`${target}: off, because its agent was gone or did not answer`);
    }
    const before = await this.ports.bay.target(target);
    const since = before.power === "on" ? 0 : Date.now();
    const on = await this.ports.bay.power(target, "on", session.lease.id, `${action}/${session.lease.id}`);
    this.note(`${target}: on, ${electrical(on)}`);
    const birth = await this.ports.agents.wait(target, since, AGENT_MS, signal);
    this.note(`${target}: agent ${birth.name} on ${birth.grpc}`);
    session.agent = untilGone(this.ports.agent(birth.grpc), birth.gone);
    return session.agent;
  }

  /** Raised when the lease of a board ends before the run gives it back. */
  lost(target: string): AbortSignal | undefined {
    return this.sessions.get(target)?.lease.lost;
  }

  /** Switches a board off, proved, and gives it back. Rejects while it is not proved off. */
  async release(target: string, action: string): Promise<void> {
    const session = this.sessions.get(target);
    if (session === undefined) {
      // Another process had it: its lease has ended, and the policy of the lease's end has made the board safe.
      const view = await this.ports.bay.target(target);
      this.note(`${target}: ${view.power} after the lease ended`);
      return;
    }
    session.agent?.close();
    session.agent = undefined;
    const ended = session.lease.lost.aborted;
    const key = `${action}/${session.lease.id}`;
    const off = await this.ports.bay.power(target, "off", ended ? undefined : session.lease.id, key);
    this.note(`${target}: ${off.power}, ${electrical(off)}`);
    await session.lease.release();
    this.sessions.delete(target);
  }
}

function electrical(view: TargetView): string {
  return `${view.voltage_v?.toFixed(3)} V, ${view.current_a?.toFixed(3)} A`;
}
