import type { MonitoringBoard } from "@mltb/hardware";
import { type BoardSession, Button, Cause, ChannelState, Fault, PowerAction, Press, Refusal } from "@mltb/protocol";
import { createButtons } from "../drivers/buttons.ts";
import { createLcd } from "../drivers/lcd.ts";
import { digits, fit } from "../runtime/text.ts";
import { createPages, type Lease, left, type Shown } from "./pages.ts";
import type { Power } from "./power.ts";
import type { RackService } from "./rack.ts";
import type { Readings } from "./readings.ts";

/** A page is composed at this interval; faster would flicker, slower would feel dead. */
const COMPOSE_MS = 400;
const BLINK_MS = 500;
/** How long the answer to a press is shown. */
const NOTICE_MS = 2000;
/** Pages of the rack, behind those of the boards. */
const RACK = 0;
const LEASES = 1;
const PAGES = 3;

export interface Panel {
  /** True where there is something to compose or to write that `spare` has put off to the next turn. */
  tick(this: void, now_ms: number, spare: boolean): boolean;
  write(this: void, lines: string[], ttl_ms: number, now_ms: number): string;
  locate(this: void, channel: number, duration_ms: number, now_ms: number): void;
  name(this: void, channel: number, text: string): void;
  /** Locks what buttons do, Stop excepted, and sets the line of what the host is doing. */
  set(this: void, locked: boolean, note: string): void;
  /** Who has a channel's target; an empty holder is nobody, `left_s` 0 no end. */
  lease(this: void, channel: number, holder: string, left_s: number, now_ms: number): void;
  /** Name of the page that the display shows. */
  page(this: void): string;
  /** Sends the page to a host that has just come. */
  announce(this: void): void;
}

/**
 * Front panel of a rack. Up and Down walk through the boards and then the rack's pages; Select shows more of a board, or the
 * board that a rack's page is about; Select held long toggles the board's power, where lease and lock allow. Stop held for
 * two seconds switches everything off, whatever the host says or does. What a press does begins here alone: no message of
 * the link is one.
 */
export function createPanel(
  hal: Hal,
  board: MonitoringBoard,
  power: Power,
  monitors: Readings,
  rack: RackService,
  session: () => BoardSession,
): Panel {
  const { columns, rows } = board.lcd;
  const lcd = createLcd(hal, board.panel_bus, board.lcd.address, columns, rows);
  const names: string[] = [];
  const leases: Lease[] = [];
  for (const channel of board.channels) {
    names.push(`channel ${digits(channel.number)}`);
    leases.push({ holder: "", until_ms: -1 });
  }
  const boards = names.length;
  const shown: Shown = { columns, names, leases, note: "" };
  const pages = createPages(shown, power, monitors, rack.seen);
  let locked = false;
  /** Board from 0, or behind them a page of the rack; the board that was seen last; whether its second page is shown. */
  let view = 0;
  let lastBoard = 0;
  let detail = false;
  let page = "";
  let lines: string[] = [];
  let hostLines: string[] | undefined;
  let hostUntil_ms = 0;
  let notice: string[] | undefined;
  let noticeUntil_ms = 0;
  let located = -1;
  let locateUntil_ms = 0;
  let compose_ms = 0;
  let clock_ms = 0;

  function own(now_ms: number): LuaMultiReturn<[string, string[]]> {
    if (view < boards) {
      if (detail) return $multi("detail", pages.detail(view, now_ms));
      return $multi("status", pages.board(view, now_ms));
    }
    if (view === boards + RACK) return $multi("rack", pages.rack());
    if (view === boards + LEASES) return $multi("leases", pages.leases(now_ms));
    return $multi("faults", pages.faults());
  }

  function composeNow(now_ms: number): void {
    compose_ms = now_ms + COMPOSE_MS;
    for (const lease of leases) if (lease.until_ms >= 0 && now_ms >= lease.until_ms) lease.holder = "";
    let nextPage: string;
    let next: string[];
    let light = true;
    if (notice !== undefined && now_ms < noticeUntil_ms) {
      nextPage = "notice";
      next = notice;
    } else if (located >= 0 && now_ms < locateUntil_ms) {
      nextPage = "locate";
      next = ["*** LOCATE ***", fit(names[located] as string, columns), `channel ${digits(located + 1)}`, ""];
      light = (now_ms / BLINK_MS) % 2 < 1;
    } else if (hostLines !== undefined && (hostUntil_ms === 0 || now_ms < hostUntil_ms)) {
      nextPage = "host";
      next = hostLines;
    } else {
      located = -1;
      hostLines = undefined;
      notice = undefined;
      [nextPage, next] = own(now_ms);
    }
    let changed = nextPage !== page;
    for (let i = 0; i < rows; i += 1) if (next[i] !== lines[i]) changed = true;
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

  function tell(first: string, second: string): void {
    notice = [first, fit(second, columns), "", ""];
    noticeUntil_ms = clock_ms + NOTICE_MS;
  }

  function toggle(): void {
    let why = "no board is shown";
    if (locked) why = "panel is locked";
    // Nobody switches a board that a page of the host or of locate covers.
    else if (view < boards && located < 0 && hostLines === undefined) {
      const { holder, until_ms } = leases[view] as Lease;
      if (holder !== "") {
        tell("REFUSED, leased by", `${fit(holder, columns - 5)} ${left(until_ms, clock_ms)}`);
        return;
      }
      const action = power.state(view) === ChannelState.on ? PowerAction.off : PowerAction.on;
      const refusal = power.command(view, action, 0, 0, Cause.panel, clock_ms);
      if (refusal === 0) return;
      why = `by the board: ${digits(refusal)}`;
      if (refusal === Refusal.fault_latched) why = "a fault is latched";
      else if (refusal === Refusal.interlocked) why = "interlocked";
      else if (refusal === Refusal.over_budget) why = "over the rack budget";
    }
    tell("REFUSED", why);
  }

  /** What a page of the rack is about: the first board with a lease or a fault, else the one that was seen last. */
  function subject(): number {
    for (let i = 0; i < boards; i += 1) {
      if (view === boards + LEASES && (leases[i] as Lease).holder !== "") return i;
      if (view > boards + LEASES && power.fault(i) !== Fault.none) return i;
    }
    return lastBoard;
  }

  function go(to: number): void {
    if (view < boards) lastBoard = view;
    view = to;
    detail = false;
  }

  function onPress(button: number, press: number): void {
    session().event("button", { button, press, tick_us: hal.ticks_us() });
    const count = boards + PAGES;
    notice = undefined;
    if (button === Button.stop) {
      if (press === Press.held) {
        for (let i = 0; i < boards; i += 1) power.command(i, PowerAction.off, 0, 0, Cause.panel, clock_ms);
        tell("RACK STOPPED", "all channels go off");
      } else tell("STOP", "hold it for 2 s");
    } else if (button === Button.select) {
      if (press === Press.long) toggle();
      else if (view >= boards) go(subject());
      else detail = !detail;
    } else if (press === Press.short) {
      go((view + (button === Button.up ? count - 1 : 1)) % count);
    }
    compose_ms = 0;
  }

  const buttons = createButtons(hal, board.buttons, onPress);

  return {
    tick(this: void, now_ms: number, spare: boolean): boolean {
      clock_ms = now_ms;
      buttons.tick(now_ms);
      // One of the two at a time, and neither in a turn that has much to do: together they would keep the link waiting.
      if (now_ms < compose_ms) return lcd.step(now_ms, spare);
      if (!spare) composeNow(now_ms);
      return spare;
    },
    write(this: void, texts: string[], ttl_ms: number, now_ms: number): string {
      let empty = true;
      const fitted: string[] = [];
      for (const text of texts) {
        if (text.length > 0) empty = false;
        fitted.push(fit(text, columns));
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
    set(this: void, lock: boolean, note: string): void {
      locked = lock;
      rack.lock(lock);
      shown.note = note;
      compose_ms = 0;
    },
    lease(this: void, channel: number, holder: string, left_s: number, now_ms: number): void {
      leases[channel - 1] = { holder, until_ms: left_s === 0 ? -1 : now_ms + left_s * 1000 };
      compose_ms = 0;
    },
    page: () => page,
    announce,
  };
}
