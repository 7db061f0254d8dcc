import type { MonitoringBoard } from "@mltb/hardware";
import { type BoardSession, Button, Cause, ChannelState, Fault, PowerAction, Press } from "@mltb/protocol";
import { createButtons } from "../drivers/buttons.ts";
import { createLcd } from "../drivers/lcd.ts";
import { digits, fit, thousandths } from "../runtime/text.ts";
import type { Monitors } from "./monitors.ts";
import type { Power } from "./power.ts";

/** A page is composed at this interval; faster would flicker, slower would feel dead. */
const COMPOSE_MS = 250;
const BLINK_MS = 500;

const stateWords: Record<number, string> = {
  [ChannelState.unknown]: "?",
  [ChannelState.off]: "OFF",
  [ChannelState.on]: "ON",
  [ChannelState.changing]: "...",
  [ChannelState.fault]: "FAULT",
};

const faultWords: Record<number, string> = {
  [Fault.on_unproved]: "on not proved",
  [Fault.off_unproved]: "off not proved",
  [Fault.sensor_dead]: "sensor dead",
  [Fault.over_current]: "over-current",
  [Fault.hard_over_current]: "hard over-current",
  [Fault.over_voltage]: "over-voltage",
  [Fault.under_voltage]: "under-voltage",
  [Fault.reverse_current]: "reverse current",
  [Fault.sensor_drift]: "sensor drift",
};

export interface Panel {
  tick(this: void, now_ms: number): void;
  write(this: void, lines: string[], ttl_ms: number, now_ms: number): string;
  locate(this: void, channel: number, duration_ms: number, now_ms: number): void;
  name(this: void, channel: number, text: string): void;
  /** Sends the page to a host that has just come. */
  announce(this: void): void;
}

/** Front panel of a rack: status, host and locate pages on the display, and what its four buttons do. */
export function createPanel(
  hal: Hal,
  board: MonitoringBoard,
  power: Power,
  monitors: Monitors,
  session: () => BoardSession,
): Panel {
  const lcd = createLcd(hal, board.panel_bus, board.lcd.address, board.lcd.columns, board.lcd.rows);
  const names: string[] = [];
  for (const channel of board.channels) names.push(`channel ${digits(channel.number)}`);
  let shown = 0;
  let page = "";
  let lines: string[] = [];
  let hostLines: string[] | undefined;
  let hostUntil_ms = 0;
  let located = -1;
  let locateUntil_ms = 0;
  let compose_ms = 0;
  let clock_ms = 0;

  function statusLines(): string[] {
    const seen = monitors.readings[shown] as { voltage_mv: number; current_ua: number };
    const amps = seen.current_ua > 0 ? (seen.current_ua + 500) / 1000 : 0;
    const watts = (seen.voltage_mv * amps + 500) / 1000;
    const fault = power.fault(shown);
    return [
      fit(`${digits(shown + 1)} ${names[shown] as string}`, board.lcd.columns),
      fit(`${stateWords[power.state(shown)] as string} ${thousandths(seen.voltage_mv)} V`, board.lcd.columns),
      fit(`${thousandths(amps)} A ${thousandths(watts)} W`, board.lcd.columns),
      fault === Fault.none ? "" : fit(`! ${faultWords[fault] as string}`, board.lcd.columns),
    ];
  }

  function composeNow(now_ms: number): void {
    compose_ms = now_ms + COMPOSE_MS;
    let nextPage = "status";
    let next: string[];
    let light = true;
    if (located >= 0 && now_ms < locateUntil_ms) {
      nextPage = "locate";
      next = ["*** LOCATE ***", fit(names[located] as string, board.lcd.columns), `channel ${digits(located + 1)}`, ""];
      light = (now_ms / BLINK_MS) % 2 < 1;
    } else if (hostLines !== undefined && (hostUntil_ms === 0 || now_ms < hostUntil_ms)) {
      nextPage = "host";
      next = hostLines;
    } else {
      located = -1;
      hostLines = undefined;
      next = statusLines();
    }
    let changed = nextPage !== page;
    for (let i = 0; i < board.lcd.rows; i += 1) if (next[i] !== lines[i]) changed = true;
    lcd.backlight(light);
    if (!changed) return;
    page = nextPage;
    lines = next;
    lcd.show(lines);
    announce();
  }

  function announce(): void {
    session().state("panel_state", "panel", {
      page,
      line1: lines[0] as string,
      line2: lines[1] as string,
      line3: lines[2] as string,
      line4: lines[3] as string,
    });
  }

  function onPress(button: number, press: number): void {
    session().event("button", { button, press, tick_us: hal.ticks_us() });
    const count = board.channels.length;
    if (button === Button.up && press === Press.short) shown = (shown + count - 1) % count;
    else if (button === Button.down && press === Press.short) shown = (shown + 1) % count;
    else if (button === Button.select && press === Press.long) {
      const action = power.isOn(shown) ? PowerAction.off : PowerAction.on;
      power.command(shown, action, 0, 0, Cause.panel, clock_ms);
    } else if (button === Button.stop && press === Press.held) {
      for (let i = 0; i < count; i += 1) power.command(i, PowerAction.off, 0, 0, Cause.panel, clock_ms);
    }
    compose_ms = 0;
  }

  const buttons = createButtons(hal, board.buttons, onPress);

  return {
    tick(this: void, now_ms: number): void {
      clock_ms = now_ms;
      buttons.tick(now_ms);
      if (now_ms >= compose_ms) composeNow(now_ms);
      lcd.step(now_ms);
    },
    write(this: void, rows: string[], ttl_ms: number, now_ms: number): string {
      let empty = true;
      const fitted: string[] = [];
      for (const row of rows) {
        if (row.length > 0) empty = false;
        fitted.push(fit(row, board.lcd.columns));
      }
      hostLines = empty ? undefined : fitted;
      // The newest command wins, also over a locate page.
      located = -1;
      hostUntil_ms = ttl_ms === 0 ? 0 : now_ms + ttl_ms;
      composeNow(now_ms);
      return page;
    },
    locate(this: void, channel: number, duration_ms: number, now_ms: number): void {
      located = duration_ms === 0 ? -1 : channel - 1;
      locateUntil_ms = now_ms + duration_ms;
      composeNow(now_ms);
    },
    name(this: void, channel: number, text: string): void {
      names[channel - 1] = text;
      compose_ms = 0;
    },
    announce,
  };
}
