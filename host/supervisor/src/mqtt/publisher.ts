import { topics } from "@mltb/contract";
import type { Board } from "../device/board.ts";
import type { ChannelModel } from "../device/channel.ts";
import type { BayHub } from "../events.ts";
import type { TargetConsole } from "../features/console.ts";
import type { Flags } from "../features/flags.ts";
import type { Leases } from "../leases/leases.ts";
import type { MqttLink } from "./client.ts";

/** Where nobody asks for more; 10 Hz are the most that a topic promises. */
const MEASURE_MS = 200;
const HEALTH_MS = 2000;
/** What is published in turn is spread over its period in steps of this: all targets at once would hold up commands. */
const STEP_MS = 10;

/** Publishes the bay's state (retained) and events (not retained), INTERFACES section 5. */
export function startPublisher(
  bay: string,
  boards: Board[],
  hub: BayHub,
  link: MqttLink,
  features: { flags: Flags; leases: Leases; consoles: Map<string, TargetConsole> },
  find: (target: string) => ChannelModel | undefined,
  measure_ms = MEASURE_MS,
): () => void {
  const t = topics(bay);
  const now = (): string => new Date().toISOString();
  const state = (topic: string, value: unknown, qos: 0 | 1 = 1): void =>
    link.publish(topic, typeof value === "string" ? value : JSON.stringify(value), { retain: true, qos });
  const event = (topic: string, value: unknown, qos: 0 | 1 = 1): void =>
    link.publish(topic, JSON.stringify(value), { retain: false, qos });
  const channels = (): ChannelModel[] => boards.flatMap((board) => board.channels.filter((c) => c !== undefined));

  function power(channel: ChannelModel, cause: string, source: string): void {
    state(t.target(channel.name, "state/power"), { state: channel.power, at: now(), seq: channel.seq, cause, source });
  }

  function everything(): void {
    state(t.supervisor, "online");
    for (const board of boards) {
      state(t.board(board.name), board.link.lifecycle);
      state(t.rack(board.rack, "state/panel"), board.panel);
    }
    for (const { channels: own, calibrations, welcome } of boards) {
      for (const channel of own) {
        if (channel === undefined || channel.unproved || welcome === undefined) continue;
        state(t.target(channel.name, "state/calibration"), calibrations.view(channel.channel));
      }
    }
    for (const channel of channels()) {
      power(channel, "start", "policy");
      state(t.target(channel.name, "state/fault"), channel.fault);
      state(t.target(channel.name, "state/lease"), features.leases.of(channel.name) ?? null);
      state(t.target(channel.name, "state/flags"), features.flags.of(channel.name));
      const boot = features.consoles.get(channel.name)?.boot;
      if (boot !== undefined) state(t.target(channel.name, "state/boot"), { ...boot, at: now() });
    }
  }

  hub.on("power", (view, cause, source) => {
    const channel = find(view.name);
    if (channel !== undefined) power(channel, cause, source);
  });
  hub.on("lease", (target, lease) => state(t.target(target, "state/lease"), lease));
  hub.on("flags", (target, flags) => state(t.target(target, "state/flags"), flags));
  hub.on("fault", (view) => state(t.target(view.name, "state/fault"), view.fault));
  hub.on("marker", (target, level, tick_us) => event(t.target(target, "event/marker"), { level, tick_us, at: now() }));
  hub.on("console", (target, line) => event(t.target(target, "event/console"), { line, at: now() }, 0));
  hub.on("calibration", (target, calibration) => state(t.target(target, "state/calibration"), calibration));
  hub.on("boot", (target, boot) => state(t.target(target, "state/boot"), { ...boot, at: now() }));
  hub.on("button", (rack, button, press) =>
    event(t.rack(rack, "event/button"), { button, press, source: "local", at: now() }),
  );
  hub.on("panel", (rack, page, lines) => state(t.rack(rack, "state/panel"), { page, lines }));
  hub.on("lifecycle", (board, lifecycle) => state(t.board(board), lifecycle));
  link.onReconnect(everything);
  everything();

  /** Each channel once a period, a share of them a step; what a reload has taken away meanwhile is left out. */
  function inTurn(period_ms: number, tell: (channel: ChannelModel, round: number) => void): NodeJS.Timeout {
    const steps = period_ms / STEP_MS;
    let round = 0;
    let step = 0;
    let all: ChannelModel[] = [];
    let due_ms = performance.now() + STEP_MS;
    const next = (): void => {
      if (step === 0) {
        all = channels();
        round += 1;
      }
      const [from, to] = [step, step + 1].map((n) => Math.floor((n * all.length) / steps));
      for (const channel of all.slice(from, to)) if (find(channel.name) === channel) tell(channel, round);
      step = (step + 1) % steps;
    };
    return setInterval(() => {
      const at_ms = performance.now();
      // A timer comes late, and the periods would grow by that. A step that is missed is made up for by another one at most.
      for (let n = 0; n < 2 && due_ms <= at_ms; n += 1) {
        next();
        due_ms += STEP_MS;
      }
      if (at_ms - due_ms > period_ms) due_ms = at_ms;
    }, STEP_MS);
  }
  /** Channels of which it was said that nothing is measured: that is said once. */
  const silent = new WeakSet<ChannelModel>();
  const measuring = inTurn(measure_ms, (channel, seq) => {
    const measurement = channel.measurement();
    if (measurement.voltage_v !== null) silent.delete(channel);
    else if (silent.has(channel)) return;
    else silent.add(channel);
    state(t.target(channel.name, "state/measure"), { ...measurement, seq }, 0);
  });
  const health = inTurn(HEALTH_MS, (channel) => state(t.target(channel.name, "state/health"), channel.health, 0));
  return () => {
    clearInterval(measuring);
    clearInterval(health);
  };
}
