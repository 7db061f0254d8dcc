import type { TargetView } from "@mltb/contract";
import type { work } from "../orchestrator/worker.ts";
import type { RunEvent } from "../orchestrator/workflow.ts";
import type { AgentApi } from "./agent-client.ts";
import { type BayApi, RunError } from "./bay-api.ts";
import type { RunPorts } from "./boards.ts";
import { modelledMeasurement, modelledRecording } from "./modelled-agent.ts";

interface ModelledBoard {
  power: "on" | "off" | "fault";
  /** What the end of a lease does. */
  policy: "off" | "keep";
  /** Its switch does not open. */
  stuck: boolean;
  lease: { id: string; holder: string; life: Life } | undefined;
}

/** What a board was told, and whether that changed anything. */
export interface Told {
  target: string;
  state: "on" | "off";
  /** Action and lease. */
  key: string;
  life: number;
  /** It was so already. */
  idle: boolean;
}

/**
 * For tests: boards that outlive the processes that use them. They carry a command out once under its key, and go to their policy
 * when the process that has leased them dies.
 */
export class ModelledBay {
  readonly boards = new Map<string, ModelledBoard>();
  readonly told: Told[] = [];
  /** Measurements by the life of the process that made them. */
  readonly measured: { target: string; life: number }[] = [];
  private readonly keys = new Set<string>();
  private leases = 0;

  board(name: string): ModelledBoard {
    return this.boards.get(name) as ModelledBoard;
  }

  lease(name: string, holder: string, life: Life): string {
    const board = this.board(name);
    if (board.lease !== undefined) throw new RunError(`POST /leases: ${name} is leased by ${board.lease.holder}`);
    this.leases += 1;
    board.lease = { id: `lease${this.leases}`, holder, life };
    return board.lease.id;
  }

  end(name: string): void {
    const board = this.board(name);
    board.lease = undefined;
    if (board.policy === "off" && board.power === "on") board.power = board.stuck ? "fault" : "off";
  }

  /** A process has died: the connections that hold its leases are closed. */
  dead(life: Life): void {
    for (const [name, board] of this.boards) if (board.lease?.life === life) this.end(name);
  }

  switch(target: string, state: "on" | "off", key: string, life: number): void {
    if (this.keys.has(`${target} ${key}`)) return;
    this.keys.add(`${target} ${key}`);
    const board = this.board(target);
    this.told.push({ target, state, key, life, idle: board.power === state });
    board.power = board.stuck && state === "off" ? "fault" : state;
  }

  view(name: string): TargetView {
    return { power: this.board(name).power, voltage_v: 5, current_a: 0.1, fault: null } as TargetView;
  }
}

/** A process that works on a run, and may die at any call that it makes: before it has done anything, or just after. */
export class Life {
  /** Resolves when the process dies. What it waits for then never comes. */
  readonly death: Promise<undefined>;
  readonly number: number;
  private readonly bay: ModelledBay;
  private readonly dies: () => boolean;
  private end: (value: undefined) => void = () => undefined;
  private over = false;

  constructor(bay: ModelledBay, number: number, dies: () => boolean) {
    this.bay = bay;
    this.number = number;
    this.dies = dies;
    this.death = new Promise((resolve) => {
      this.end = resolve;
    });
  }

  private mayDie(): void {
    if (this.over || !this.dies()) return;
    this.over = true;
    this.bay.dead(this);
    this.end(undefined);
  }

  /** Makes a call, unless the process dies before it or at its end. */
  async call<T>(body: () => T | Promise<T>): Promise<T> {
    const never = new Promise<never>(() => undefined);
    this.mayDie();
    if (this.over) return never;
    await new Promise((resolve) => setImmediate(resolve));
    if (this.over) return never;
    try {
      const result = await body();
      this.mayDie();
      return this.over ? never : result;
    } catch (error) {
      if (this.over) return never;
      throw error;
    }
  }

  /** The journal as this process reaches it. */
  journal(port: Parameters<typeof work>[0]): Parameters<typeof work>[0] {
    return {
      append: (run_id: string, after: number, event: RunEvent) => this.call(() => port.append(run_id, after, event)),
      read: (run_id: string, from: number) => this.call(() => port.read(run_id, from)),
    };
  }

  /** Bay and agents as this process reaches them. */
  ports(): RunPorts {
    const { bay } = this;
    const api: BayApi = {
      target: (name) => this.call(() => bay.view(name)),
      power: (name, state, _lease, key) =>
        this.call(() => {
          bay.switch(name, state, key, this.number);
          const view = bay.view(name);
          if (view.power !== state) throw new RunError(`${name}: ${state} was not confirmed`);
          return view;
        }),
      lease: (name, holder) =>
        this.call(() => {
          const id = bay.lease(name, holder, this);
          const release = (): Promise<void> => this.call(() => bay.end(name));
          return { id, lost: new AbortController().signal, release, drop: () => bay.end(name) };
        }),
      startRecording: (name) => this.call(() => name),
      stopRecording: (name) => this.call(() => modelledRecording(name)),
      samples: () => this.call(() => new Uint8Array(0)),
    };
    const agentOf = (name: string): AgentApi => ({
      deploy: () => this.call(() => undefined),
      inputs: () => this.call(() => [{ name: "input", datatype: "FP32", shape: [1, 1, 49, 10] }]),
      infer: () => this.call(() => new Float64Array(12)),
      measure: (call, onWindow) =>
        this.call(async () => {
          bay.measured.push({ target: name, life: this.number });
          const result = await modelledMeasurement(call, () => Promise.resolve());
          for (const [index, window] of result.windows.entries()) onWindow(index, window);
          return result;
        }),
      live: () => this.call(() => true),
      close: () => undefined,
    });
    const wait = (name: string) =>
      this.call(() => {
        if (bay.board(name).power !== "on") throw new RunError(`no agent of ${name}: it is not on`);
        return { name, target: name, grpc: name, at: "", gone: new AbortController().signal };
      });
    return { bay: api, agents: { wait, close: () => Promise.resolve() }, agent: agentOf };
  }
}
