import { frameCounters, linkCounters } from "@mltb/protocol";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Board } from "../device/board.ts";
import type { TargetConsole } from "../features/console.ts";
import { lifecycles } from "../link/lifecycle.ts";
import type { MqttLink } from "../mqtt/client.ts";
import type { CommandCounters } from "../mqtt/commands.ts";

export interface Metrics {
  contentType: string;
  text(): Promise<string>;
  command(feature: string, status: string, seconds: number): void;
  control(counters: CommandCounters, link: MqttLink): void;
  /** Further metrics, read anew at each scrape. */
  counter(name: string, help: string, labels: string[], read: () => [Record<string, string>, number][]): void;
  gauge(name: string, help: string, labels: string[], read: () => [Record<string, string>, number][]): void;
}

/** Prometheus metrics of a bay: link counters of both ends, measurements, lifecycles, commands, process. */
export function createMetrics(boards: Board[], consoles: Map<string, TargetConsole>): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  // Gauges that prom-client names like counters; promtool refuses such names. The same by kind are there without them.
  for (const kind of ["handles", "requests", "resources"]) registry.removeSingleMetric(`nodejs_active_${kind}_total`);
  let control: { counters: CommandCounters; link: MqttLink } | undefined;

  /** A counter whose value lives elsewhere: set anew at each scrape. */
  const mirrored = (name: string, help: string, labelNames: string[], fill: (counter: Counter) => void): void => {
    new Counter({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        fill(this);
      },
    });
  };

  mirrored(
    "mltb_link_frames_total",
    "Blocks between delimiters seen by the host, by outcome.",
    ["board", "outcome"],
    (counter) => {
      for (const board of boards) {
        const frames = board.frameCounters();
        for (const key of Object.keys(frameCounters()) as (keyof typeof frames)[]) {
          if (key !== "skipped_bytes") counter.inc({ board: board.name, outcome: key }, frames[key]);
        }
      }
    },
  );
  mirrored(
    "mltb_link_skipped_bytes_total",
    "Bytes that the host threw away with faulty blocks.",
    ["board"],
    (counter) => {
      for (const board of boards) counter.inc({ board: board.name }, board.frameCounters().skipped_bytes);
    },
  );
  mirrored("mltb_link_events_total", "What the host's session has done and dropped.", ["board", "event"], (counter) => {
    for (const board of boards) {
      const session = board.link.session.port.counters;
      for (const key of Object.keys(linkCounters()) as (keyof typeof session)[]) {
        counter.inc({ board: board.name, event: key }, session[key]);
      }
    }
  });
  mirrored(
    "mltb_link_port_events_total",
    "Openings and closings of a board's port, times that this process was held up, boards refused for their serial number.",
    ["board", "event"],
    (counter) => {
      for (const board of boards) {
        const { received_bytes: _in, sent_bytes: _out, unsent_bytes: _lost, ...events } = board.link.counters;
        for (const [event, value] of Object.entries(events)) counter.inc({ board: board.name, event }, value);
      }
    },
  );
  mirrored(
    "mltb_link_port_bytes_total",
    "Bytes of a board's port: received, sent, written while it was closed.",
    ["board", "direction"],
    (counter) => {
      for (const board of boards) {
        const { received_bytes, sent_bytes, unsent_bytes } = board.link.counters;
        counter.inc({ board: board.name, direction: "received" }, received_bytes);
        counter.inc({ board: board.name, direction: "sent" }, sent_bytes);
        counter.inc({ board: board.name, direction: "unsent" }, unsent_bytes);
      }
    },
  );
  mirrored(
    "mltb_board_link_events_total",
    "What the board has seen and dropped: frames and bytes of the link, frames of the converter, trips, marker edges.",
    ["board", "event"],
    (counter) => {
      for (const board of boards) {
        for (const [event, value] of Object.entries({ ...board.counters, ...board.drops })) {
          if (event !== "heap_bytes") counter.inc({ board: board.name, event }, Number(value));
        }
      }
    },
  );
  mirrored(
    "mltb_board_restarts_total",
    "Starts of a board that were seen after the first, by what they came from.",
    ["board", "cause"],
    (counter) => {
      for (const board of boards) {
        for (const [cause, count] of board.restartsBy) counter.inc({ board: board.name, cause }, count);
      }
    },
  );
  mirrored("mltb_samples_total", "Rows of current samples by what became of them.", ["board", "outcome"], (counter) => {
    for (const board of boards) {
      counter.inc({ board: board.name, outcome: "received" }, board.measure.received);
      counter.inc({ board: board.name, outcome: "lost" }, board.measure.lost);
      counter.inc({ board: board.name, outcome: "malformed" }, board.measure.malformed);
      counter.inc({ board: board.name, outcome: "repeated" }, board.measure.repeated);
    }
  });
  mirrored(
    "mltb_monitor_sweeps_total",
    "Readings of voltage and current of a board's monitors by what became of them.",
    ["board", "outcome"],
    (counter) => {
      for (const board of boards) {
        counter.inc({ board: board.name, outcome: "received" }, board.measure.sweeps);
        counter.inc({ board: board.name, outcome: "repeated" }, board.measure.repeatedSweeps);
      }
    },
  );
  mirrored("mltb_mqtt_commands_total", "Commands that came by MQTT.", ["outcome"], (counter) => {
    for (const [outcome, value] of Object.entries(control?.counters ?? {})) counter.inc({ outcome }, value);
  });
  mirrored(
    "mltb_mqtt_unsent_messages_total",
    "Messages that were not sent because the broker was away or slow: replaced by a newer state, or dropped.",
    ["outcome"],
    (counter) => {
      const { coalesced, dropped } = control?.link.counters() ?? { coalesced: 0, dropped: 0 };
      counter.inc({ outcome: "coalesced" }, coalesced);
      counter.inc({ outcome: "dropped" }, dropped);
    },
  );
  mirrored("mltb_mqtt_connection_losses_total", "Times that the connection to the broker was lost.", [], (counter) => {
    counter.inc(control?.link.counters().losses ?? 0);
  });
  mirrored("mltb_target_energy_joules_total", "Energy since the supervisor started.", ["target"], (counter) => {
    for (const board of boards) {
      for (const channel of board.channels) {
        if (channel !== undefined) counter.inc({ target: channel.name }, Math.max(0, channel.energy_j));
      }
    }
  });

  mirrored("mltb_console_lines_total", "Lines of a target's console.", ["target"], (counter) => {
    for (const [target, { present, lines }] of consoles) if (present) counter.inc({ target }, lines);
  });
  mirrored(
    "mltb_console_unrecorded_lines_total",
    "Lines that found no room in the record of their lease, or could not be written.",
    ["target", "reason"],
    (counter) => {
      for (const [target, { present, log }] of consoles) {
        if (present) for (const [reason, value] of Object.entries(log.dropped)) counter.inc({ target, reason }, value);
      }
    },
  );
  mirrored(
    "mltb_target_boots_total",
    "Boots that reached the ready condition, and late ones.",
    ["target", "outcome"],
    (counter) => {
      for (const [target, { boot, boots }] of consoles) {
        if (boot.state === "none") continue;
        for (const [outcome, value] of Object.entries(boots)) counter.inc({ target, outcome }, value);
      }
    },
  );

  const gauge = (name: string, help: string, labelNames: string[], fill: (gauge: Gauge) => void): void => {
    new Gauge({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        fill(this);
      },
    });
  };
  gauge("mltb_mqtt_connected", "1 while there is a connection to the broker.", [], (g) => {
    g.set(control?.link.connected() === true ? 1 : 0);
  });
  gauge("mltb_mqtt_outbox_messages", "Messages that wait for the broker.", [], (g) => {
    g.set(control?.link.counters().waiting ?? 0);
  });
  gauge("mltb_board_lifecycle", "1 for the lifecycle state that a board is in.", ["board", "state"], (g) => {
    for (const board of boards) {
      for (const state of lifecycles) g.set({ board: board.name, state }, board.link.lifecycle === state ? 1 : 0);
    }
  });
  gauge("mltb_target_boot_seconds", "Time of the last boot from power on to the ready condition.", ["target"], (g) => {
    for (const [target, { boot }] of consoles) if (boot.boot_ms !== null) g.set({ target }, boot.boot_ms / 1000);
  });
  gauge("mltb_link_round_trip_seconds", "Round trip of the last ping.", ["board"], (g) => {
    for (const board of boards) g.set({ board: board.name }, board.link.roundTrip_ms / 1000);
  });
  gauge("mltb_board_heap_bytes", "Lua heap of a board.", ["board"], (g) => {
    for (const board of boards)
      if (board.counters !== undefined) g.set({ board: board.name }, board.counters.heap_bytes);
  });
  const measured: [string, string, (v: ReturnType<NonNullable<Board["channels"][0]>["view"]>) => number | null][] = [
    ["mltb_target_voltage_volts", "Voltage of a target.", (v) => v.voltage_v],
    ["mltb_target_current_amperes", "Current of a target.", (v) => v.current_a],
    ["mltb_target_power_watts", "Power of a target.", (v) => v.power_w],
    [
      "mltb_target_on",
      "1 where the board has proved the target on.",
      (v) => (v.power === "on" && v.unproved !== true ? 1 : 0),
    ],
  ];
  for (const [name, help, read] of measured) {
    gauge(name, help, ["target"], (g) => {
      for (const board of boards) {
        for (const channel of board.channels) {
          const value = channel === undefined ? null : read(channel.view());
          if (channel !== undefined && value !== null) g.set({ target: channel.name }, value);
        }
      }
    });
  }
  gauge("mltb_target_fault", "1 for the fault that a target has latched.", ["target", "fault"], (g) => {
    for (const board of boards) {
      for (const channel of board.channels) {
        if (channel?.fault) g.set({ target: channel.name, fault: channel.fault.id }, 1);
      }
    }
  });
  const durations = new Histogram({
    name: "mltb_command_duration_seconds",
    help: "Time from a command to its answer.",
    labelNames: ["feature", "status"],
    buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10],
    registers,
  });

  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    command: (feature, status, seconds) => durations.observe({ feature, status }, seconds),
    counter: (name, help, labels, read) =>
      mirrored(name, help, labels, (counter) => {
        for (const [of, value] of read()) counter.inc(of, value);
      }),
    gauge: (name, help, labels, read) =>
      gauge(name, help, labels, (g) => {
        for (const [of, value] of read()) g.set(of, value);
      }),
    control(counters, link) {
      control = { counters, link };
    },
  };
}
