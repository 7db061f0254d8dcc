import type { TargetView } from "@mltb/contract";
import type { AgentApi, grpcAgent } from "./agent-client.ts";
import type { AgentWatch } from "./agents.ts";
import { Apart } from "./apart.ts";
import { type BayApi, type Held, interruption, RunError } from "./bay-api.ts";
import type { ReferenceModels } from "./reference.ts";
import { untilGone } from "./until-gone.ts";

/** Time for a target to boot and its agent to announce itself. */
const AGENT_MS = 30_000;
/** Longer than a supervisor that was restarted keeps the lease of a process that is gone, and the policy of its end takes. */
const AGAIN_S = 12;

/** What a run needs from outside; tests put others in their place. */
export interface RunPorts {
  bay: BayApi;
  agents: AgentWatch;
  agent: typeof grpcAgent;
  /** Where there is none, results have no numerical error. */
  reference?: ReferenceModels;
}

interface Session {
  lease: Held;
  agent: AgentApi | undefined;
  /** Proved off under this lease, and not switched on since. */
  off: boolean;
}

/**
 * The boards of a run: leased for as long as the connection to the supervisor is open, so that a board goes to its
 * `on_lease_end` policy when this process dies.
 */
export class Boards {
  /** Keeps switching and measuring apart. */
  readonly apart: Apart;
  private readonly sessions = new Map<string, Session>();
  /** Boards that somebody else had when they were to be brought down. */
  private readonly elsewhere = new Set<string>();
  private readonly ports: RunPorts;
  private readonly holder: string;
  private readonly note: (text: string) => void;

  constructor(ports: RunPorts, holder: string, note: (text: string) => void, apart = new Apart()) {
    this.apart = apart;
    this.ports = ports;
    this.holder = holder;
    this.note = note;
  }

  /** Leases a board, after whoever has it. Does nothing where this run has it. */
  async lease(target: string, signal: AbortSignal): Promise<void> {
    if (this.held(target) === undefined) await this.take(target, signal);
  }

  /** The session of a board whose lease is in force. */
  private held(target: string): Session | undefined {
    const session = this.sessions.get(target);
    if (session === undefined || !session.lease.lost.aborted) return session;
    session.agent?.close();
    // What this process may still hold of the lease would keep it from the next one.
    session.lease.drop();
    this.sessions.delete(target);
    return undefined;
  }

  private async take(target: string, signal: AbortSignal, wait_s?: number): Promise<Session> {
    const lease = await this.ports.bay.lease(target, this.holder, signal, wait_s);
    const session: Session = { lease, agent: undefined, off: false };
    this.sessions.set(target, session);
    return session;
  }

  /**
   * The agent of a board that is on; where it is gone or does not answer, the board is switched off and on again. Where the
   * process that had leased and switched it on is gone, it is leased anew, and switched on where it is not on any more:
   * `action` names the step, which switches nothing that is as it wants it.
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
      await this.apart.power(target, signal, () =>
        this.ports.bay.power(target, "off", session.lease.id, `${action}/${session.lease.id}/gone`),
      );
      this.note(`${target}: off, because its agent was gone or did not answer`);
    }
    const before = await this.ports.bay.target(target);
    if (signal.aborted) throw interruption(signal);
    let since = 0;
    session.off = false;
    const switchOn = (): Promise<TargetView> => {
      since = Date.now();
      return this.ports.bay.power(target, "on", session.lease.id, `${action}/${session.lease.id}`);
    };
    const on = before.power === "on" ? before : await this.apart.power(target, signal, switchOn);
    this.note(`${target}: on${before.power === "on" ? " already" : ""}, ${electrical(on)}`);
    const birth = await this.ports.agents.wait(target, since, AGENT_MS, signal);
    this.note(`${target}: agent ${birth.name} on ${birth.grpc}`);
    session.agent = untilGone(this.ports.agent(birth.grpc), birth.gone);
    return session.agent;
  }

  /** Raised when the lease of a board ends before the run gives it back. */
  lost(target: string): AbortSignal | undefined {
    return this.sessions.get(target)?.lease.lost;
  }

  /**
   * Switches a board off, proved, and gives it back. `had`: this run has had it, so that it may have switched it on; where its
   * lease has ended since, with the process that held it or otherwise, the board is leased anew, because what the end of a lease
   * does to a board is for the bay file to say. Rejects while the board is not proved off.
   */
  async release(target: string, action: string, had: boolean): Promise<void> {
    const session = this.held(target) ?? (had ? await this.takeBack(target) : undefined);
    if (session === undefined) return;
    session.agent?.close();
    session.agent = undefined;
    if (!session.off) {
      const off = await this.apart.power(target, undefined, () =>
        this.ports.bay.power(target, "off", session.lease.id, `${action}/${session.lease.id}`),
      );
      session.off = true;
      this.note(`${target}: ${off.power}, ${electrical(off)}`);
    }
    await session.lease.release();
    this.sessions.delete(target);
  }

  /** Lets go of boards that could not be brought down, so that the end of their leases and others can do something about them. */
  close(): void {
    for (const session of this.sessions.values()) {
      session.agent?.close();
      session.lease.drop();
    }
    this.sessions.clear();
  }

  /** Leases a board that this run has lost, and sees whether it is off; rejects where somebody else has it. */
  private async takeBack(target: string): Promise<Session> {
    const wait_s = this.elsewhere.has(target) ? 0 : AGAIN_S;
    const session = await this.take(target, new AbortController().signal, wait_s).catch((error: Error) => {
      this.elsewhere.add(target);
      const mend = "see that it is off when it is free, or run this again under the lease that it has (MLTB_LEASE)";
      throw new RunError(`not known to be off: the lease of this run has ended (${error.message}); ${mend}`);
    });
    this.elsewhere.delete(target);
    const view = await this.ports.bay.target(target);
    session.off = view.power === "off";
    if (session.off) this.note(`${target}: off after the lease ended, ${electrical(view)}`);
    return session;
  }
}

function electrical(view: TargetView): string {
  return `${view.voltage_v?.toFixed(3)} V, ${view.current_a?.toFixed(3)} A`;
}
