import { allMessages, type Body, bodyCheck, encodeBody, Fault, PowerAction } from "@mltb/protocol";
import { ImageBuildError } from "./errors.ts";

/** Requests of the mixed load; a power request, one of everything and two echoes in turn. */
const REQUESTS = 1600;
const CHANNELS = 8;
/** What the gauge's sampler reports now and then. */
const FAULT = Fault.hard_over_current;

type Ask = [name: string, body: Body];

const limits: Body = { hard_ma: 2900, slow_ma: 2000, slow_ms: 60, inrush_ma: 3500, inrush_ms: 20 };
const settings: Body = {
  ...{ restore: 0, host_loss: 1, interlock: 0, host_loss_ms: 5000 },
  ...{ over_mv: 5500, under_mv: 4500, reverse_ma: 100, drift_ma: 100 },
};
const calibration: Body = {
  ...{ voltage_ppm: 300, voltage_100uv: -5, current_ppm: -400, current_10ua: 2 },
  ...{ fast_ppm: 200, fast_10ua: 1, drift_ppm_k: 20, at_10mc: 2500 },
};
/** Reset low, on, reset high, off: four steps of four bytes. */
const steps = "\x03\x01\x05\0\x02\0\x05\0\x03\0\x05\0\x01\0\x05\0";

/** A request of the whole rack has no channel, and 0 in its check. */
const checked = (channel: number, body: Body, b: number, c: number): Body => ({
  ...{ channel, ...body },
  check: bodyCheck(channel, b, c),
});

/** What is set before the stream: while it runs, only what is stored already is taken. */
function quiet(channel: number): Ask[] {
  return [
    ["limits_set", checked(channel, limits, 0, limits["hard_ma"] as number)],
    ["settings_set", checked(channel, settings, 0, settings["over_mv"] as number)],
    ["calibration_set", checked(channel, calibration, 0, calibration["voltage_ppm"] as number)],
    ["store_set", { key: `note${channel}`, value: "x".repeat(40) }],
  ];
}

/** One of everything that can be asked while samples are streamed. */
function everything(channel: number): Ask[] {
  return [
    ...quiet(channel).slice(0, 3),
    ["counters_get", {}],
    ["drops_get", {}],
    ["describe", { first: 0x20 + channel }],
    [
      "panel_write",
      { ttl_ms: 400, line1: "a line of the panel", line2: "and the next one", line3: "third", line4: "4" },
    ],
    ["panel_set", { locked: channel & 1, note: "an experiment runs" }],
    ["panel_lease", { channel, left_s: 600, holder: "ada of the laboratory" }],
    ["locate", { channel, duration_ms: 300 }],
    ["target_names", { channel, name: `target-${channel}` }],
    ["channel_get", { channel }],
    ["limits_get", { channel }],
    ["settings_get", { channel }],
    ["calibration_get", { channel }],
    ["rack_get", {}],
    ["energy_get", {}],
    ["rearm", checked(channel, { fault: FAULT }, FAULT, 0)],
    ["reset_pulse", checked(channel, { pulse_ms: 20 }, 0, 20)],
    ["reset_hold", checked(channel, { level: channel & 1 }, channel & 1, 0)],
    ["strap_get", { name: "recovery" }],
    ["strap_run", checked(channel, { name: "recovery" }, 0, 0)],
    ["log_read", { first: 0 }],
    ["firmware_get", {}],
    ["store_get", { key: `note${channel}` }],
    ["waveform_get", { back: channel & 1 }],
    ["waveform_read", { first: 200, back: channel & 1, what: 0 }],
    ["waveform_read", { first: 0, back: channel & 1, what: 1 }],
  ];
}

const actions = [
  PowerAction.on,
  PowerAction.cycle,
  PowerAction.on,
  PowerAction.off,
  PowerAction.on,
  PowerAction.off_floating,
];

function power(n: number): Ask {
  const channel = 1 + (n % CHANNELS);
  const action = actions[Math.floor(n / CHANNELS) % actions.length] as number;
  const off_ms = action === PowerAction.cycle ? 50 : 0;
  return ["power_set", checked(channel, { action, off_ms }, action, off_ms)];
}

/** Requests before the stream, and the mixed load during it. */
export function gaugeLoad(): { quiet: Ask[]; mixed: Ask[] } {
  const channels = Array.from({ length: CHANNELS }, (_, n) => n + 1);
  const mixed: Ask[] = [];
  for (let n = 0; n < REQUESTS; n += 1) {
    const turn = Math.floor(n / 4);
    const all = everything(1 + (turn % CHANNELS));
    if (n % 4 === 0) mixed.push(power(turn));
    else if (n % 4 === 1) mixed.push(all[turn % all.length] as Ask);
    else mixed.push(["echo", { data: String.fromCharCode(...Array.from({ length: 64 }, (_, i) => i + 1)) }]);
  }
  return {
    quiet: [
      ["rack_set", checked(0, { budget_ma: 16_000, stagger_ms: 2 }, 0, 16_000)],
      ["strap_set", { name: "recovery", steps }],
      ...channels.flatMap(quiet),
    ],
    mixed,
  };
}

function bytesOf([name, body]: Ask): number[] {
  const message = allMessages().find((entry) => entry.name === name);
  if (message === undefined) throw new ImageBuildError(4, `the gauge asks for ${name}, which is no message`);
  const bytes = [...encodeBody(message, body)].map((character) => character.charCodeAt(0) & 255);
  return [message.id, bytes.length, ...bytes];
}

/** The load as C: for each request its id, the size of its body and the body. */
export function gaugeLoadHeader(): string {
  const array = (name: string, asks: Ask[]): string =>
    `static const uint8_t ${name}[] = {${asks.flatMap(bytesOf).join(",")}};`;
  const { quiet: before, mixed } = gaugeLoad();
  return `/* Generated by lua-runtime/gauge-load.ts. */\n#pragma once\n${array("quiet_load", before)}\n${array("mixed_load", mixed)}\n`;
}
