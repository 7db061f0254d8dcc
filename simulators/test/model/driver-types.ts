import { ChannelState, type RequestName, type RequestOutcome } from "@mltb/protocol";
import type { Flash } from "../../src/index.ts";
import type { Random } from "../../src/world/random.ts";
import type { MonitoringRung } from "../bench.ts";
import type { Belief, Span } from "./channel.ts";
import type { ModelHost } from "./host.ts";
import type { Kept, RackModel } from "./rack.ts";

/** The board and the model differ; the message says where, and how to see it again. */
export class ModelDifference extends Error {}

/** The board's power failed while something was asked of it. */
export class PowerLost extends Error {}

/** A change of what is kept that is under way: after a loss of power either it or what was before is there. */
export type Change =
  | { of: "settings"; index: number; next: Kept["settings"] }
  | { of: "limits"; index: number; next: Kept["limits"] }
  | { of: "calibration"; index: number; next: Calibration }
  | { of: "rack"; next: { budget_ma: number; stagger_ms: number } };

export type Calibration = Record<string, number>;

export interface DriverOptions {
  rung: MonitoringRung;
  /** The board's flash: while it is written to, the board does nothing else. */
  flash: Flash;
  seed: number;
  /** Takes the supply of controller and parts away for a moment. */
  powerCycle(): void | Promise<void>;
  /** Until it has opened the switches that were closed before. */
  boot_ms?: number;
  /** Channels with a load that cannot be taken away, from 0. */
  loads?: number[];
}

/** A board, its host and the model of both, moved together. */
export interface Driver {
  rung: MonitoringRung;
  host: ModelHost;
  rack: RackModel;
  source: Random;
  /** Operations so far, by channel. */
  done: number[];
  /** Requests that run on the board. */
  running(): number;
  /** The calibration that each channel was given last, by the names of the wire. */
  calibrations: (Calibration | undefined)[];
  asked: Change | undefined;
  /** When the power failed, until the board has begun anew. */
  cut_ms: number | undefined;
  note(text: string): void;
  fail(what: string): never;
  /**
   * Sends a request that moves a channel, lets it arrive, tells the model of it, and compares.
   * @param model what the request does, given its number and when it arrived
   */
  command(name: RequestName, index: number, body: object, model: (id: number, at: Span) => void): Promise<void>;
  /** Sends a request that is answered at once, and gives its answer's name as the model has it. */
  ask(name: RequestName, body: object, noted?: boolean): Promise<{ reply: string; outcome: RequestOutcome }>;
  /** Compares what can be seen with what can be. */
  compare(): void;
  /** Runs until no channel can move by itself, and compares. */
  settle(): Promise<void>;
  outage(): Promise<void>;
  /** The model, after the board began anew at a time within the span and the host is there again. */
  begunAnew(at: Span): Promise<void>;
  silence(): Promise<void>;
  /** A channel can move by itself no more. */
  rests(index: number): boolean;
  change(index: number): void;
}

/** The state that a channel is believed to be in, where there is no doubt. */
export function sure(driver: Driver, index: number): Belief | undefined {
  const beliefs = driver.rack.channels[index]?.beliefs ?? [];
  return beliefs.length === 1 ? beliefs[0] : undefined;
}

export const isOn = (of: Belief | undefined): boolean => of?.state === ChannelState.on && of.phase === "resting";
