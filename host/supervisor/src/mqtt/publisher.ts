import { topics } from "@mltb/contract";
import type { Board } from "../device/board.ts";
import type { ChannelModel } from "../device/channel.ts";
import type { BayHub } from "../events.ts";
import type { TargetConsole } from "../features/console.ts";
import type { Flags } from "../features/flags.ts";
import type { Leases } from "../leases/leases.ts";
import type { MqttLink } from "./client.ts";

const MEASURE_MS = 200;
const HEALTH_MS = 2000;

/** Publishes the bay's state (retained) and events (not retained), INTERFACES section 5. */
export function startPublisher(
  bay: string,
  boards: Board[],
  hub: BayHub,
  link: MqttLink,
  features: { flags: Flags; leases: Leases; consoles: Map<string, TargetConsole> },
): () => void {
  const t = topics(bay);
  const now = (): string => new Date().toISOString();
  const state = (topic: string, value: unknown, qos: 0 | 1 = 1): void =>
    link.publish(topic, typeof value === "string" ? value : JSON.stringify(value), { retain: true, qos });
  const event = (topic: string, value: unknown, qos: 0 | 1 = 1): void =>
    link.publish(topic, JSON.stringify(value), { retain: false, qos });
  const channels = (): ChannelModel[] => boards.flatMap((board) => board.channels.filter((c) => c !== undefined));
  let measureSeq = 0;

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
    const channel = channels().find((entry) => entry.name === view.name);
    if (channel === undefined) return;
    power(channel, cause, source);
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

  const measuring = setInterval(() => {
    measureSeq += 1;
    for (const channel of channels()) {
      const { voltage_v, current_a, power_w, energy_j } = channel.view();
      const measured = { voltage_v, current_a, power_w, energy_j, at: now(), seq: measureSeq };
      state(t.target(channel.name, "state/measure"), measured, 0);
    }
  }, MEASURE_MS);
  const health = setInterval(() => {
    for (const channel of channels()) state(t.target(channel.name, "state/health"), channel.health, 0);
  }, HEALTH_MS);
  return () => {
    clearInterval(measuring);
    clearInterval(health);
  };
}
