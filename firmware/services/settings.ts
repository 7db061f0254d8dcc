import type { ChannelLimits } from "@mltb/hardware";
import { type BoardSession, type Body, bodyCheck, HostLoss, Refusal, Restore } from "@mltb/protocol";
import type { Storage } from "./storage.ts";

/** Policies and software limits of a channel, as `settings_answer` tells them; a limit of 0 is none. */
export interface Settings {
  channel: number;
  restore: number;
  host_loss: number;
  /** Group of which at most one channel is on; 0 is none. */
  interlock: number;
  host_loss_ms: number;
  over_mv: number;
  under_mv: number;
  reverse_ma: number;
  drift_ma: number;
  stored: number;
}

/** Rules of the whole rack, as `rack_answer` tells them. */
export interface RackSettings {
  budget_ma: number;
  stagger_ms: number;
  used_ma: number;
  stored: number;
}

/** What the board was told to keep, by channel, and for the rack. */
export interface AllSettings {
  channels: Settings[];
  rack: RackSettings;
  /** Told when a channel's settings have changed. */
  onChange: (this: void) => void;
  /** Takes a request; a refusal code, or 0. `index` counts from 0. `first` is called when it is sure to be written. */
  set(this: void, index: number, body: Body, first: (this: void) => void): number;
  setRack(this: void, body: Body): number;
}

const RECORD = "<BBBI2I2I2I2I2";
const RECORD_BYTES = 13;
const RACK = "<I2I2";
const RACK_BYTES = 4;
const HOST_LOSS_MS = 5000;

/**
 * Settings as they were stored, or the board's own where none are.
 *
 * @param busy whether nothing may be written now
 */
export function createSettings(
  channels: number,
  nominal_v: number,
  limits: ChannelLimits,
  storage: Storage,
  busy: (this: void) => boolean,
): AllSettings {
  const list: Settings[] = [];
  const over_mv = Math.floor(nominal_v * 1000 * (1 + limits.on_tolerance));
  for (let i = 0; i < channels; i += 1) {
    const own: Settings = {
      channel: i + 1,
      restore: Restore.off,
      host_loss: HostLoss.keep,
      interlock: 0,
      host_loss_ms: HOST_LOSS_MS,
      over_mv,
      under_mv: 0,
      reverse_ma: limits.reverse_ma,
      drift_ma: limits.drift_ma,
      stored: 0,
    };
    const kept = storage.get(`channel${i}`);
    if (kept !== undefined && kept.length === RECORD_BYTES) {
      [
        own.restore,
        own.host_loss,
        own.interlock,
        own.host_loss_ms,
        own.over_mv,
        own.under_mv,
        own.reverse_ma,
        own.drift_ma,
      ] = string.unpack(RECORD, kept);
      own.stored = 1;
    }
    list.push(own);
  }
  const rack: RackSettings = { budget_ma: 0, stagger_ms: 0, used_ma: 0, stored: 0 };
  const kept = storage.get("rack");
  if (kept !== undefined && kept.length === RACK_BYTES) {
    [rack.budget_ma, rack.stagger_ms] = string.unpack(RACK, kept);
    rack.stored = 1;
  }

  /** Keeps a value that is not kept yet; a refusal code, or 0. */
  function keep(key: string, value: string, first?: (this: void) => void): number {
    if (storage.get(key) === value) return 0;
    if (busy()) return Refusal.busy;
    if (first !== undefined) first();
    return storage.set(key, value) ? 0 : Refusal.not_stored;
  }

  const all: AllSettings = {
    channels: list,
    rack,
    onChange(this: void): void {
      // Whoever keeps limits in another form takes this place.
    },
    set(this: void, index: number, body: Body, first: (this: void) => void): number {
      const next = body as unknown as Settings;
      const { restore, host_loss, interlock, host_loss_ms, over_mv, under_mv, reverse_ma, drift_ma } = next;
      if (restore > Restore.last || host_loss > HostLoss.off) return Refusal.bad_value;
      // A limit that the band of "on" lies beyond would end what was just proved.
      if ((over_mv > 0 && over_mv < nominal_v * 1000) || under_mv > nominal_v * 1000) return Refusal.bad_value;
      const refusal = keep(
        `channel${index}`,
        string.pack(RECORD, restore, host_loss, interlock, host_loss_ms, over_mv, under_mv, reverse_ma, drift_ma),
        first,
      );
      if (refusal !== 0) return refusal;
      // The body is this request's own.
      next.stored = 1;
      list[index] = next;
      all.onChange();
      return 0;
    },
    setRack(this: void, body: Body): number {
      const next = body as unknown as RackSettings;
      const { budget_ma, stagger_ms } = next;
      if (stagger_ms > STAGGER_LONGEST_MS) return Refusal.bad_value;
      const refusal = keep("rack", string.pack(RACK, budget_ma, stagger_ms));
      if (refusal !== 0) return refusal;
      next.stored = 1;
      all.rack = next;
      return 0;
    },
  };
  return all;
}

const STAGGER_LONGEST_MS = 2000;

type Handler = (this: void, body: Body, tag: number, now_ms: number) => void;

/** What the rules say to a change; see `Rules`. */
interface Judges {
  used_ma(this: void): number;
  write(this: void): void;
  refuses(this: void, index: number, group: number, more_ma: number): number;
}

/** Requests that read and write settings. */
export function settingsHandlers(
  settings: AllSettings,
  channelOf: (this: void, body: Body, tag: number) => number,
  rules: Judges,
  session: () => BoardSession,
): Record<string, Handler> {
  function answer(index: number, tag: number): void {
    session().answer(tag, "settings_answer", settings.channels[index] as Settings);
  }
  function answerRack(tag: number): void {
    settings.rack.used_ma = rules.used_ma();
    session().answer(tag, "rack_answer", settings.rack);
  }
  return {
    settings_set(this: void, body: Body, tag: number): void {
      const check = bodyCheck(body["channel"] as number, body["restore"] as number, body["over_mv"] as number);
      const index = channelOf(body, tag);
      if (index < 0) return;
      let refusal: number = Refusal.bad_check;
      if (body["check"] === check) {
        refusal = rules.refuses(index, body["interlock"] as number, -1);
        if (refusal === 0) refusal = settings.set(index, body, rules.write);
      }
      if (refusal !== 0) session().refuse(tag, refusal, "settings_set");
      else answer(index, tag);
    },
    settings_get(this: void, body: Body, tag: number): void {
      const index = channelOf(body, tag);
      if (index >= 0) answer(index, tag);
    },
    rack_set(this: void, body: Body, tag: number): void {
      const budget_ma = body["budget_ma"] as number;
      const refusal =
        body["check"] !== bodyCheck(0, 0, budget_ma)
          ? Refusal.bad_check
          : budget_ma > 0 && rules.used_ma() > budget_ma
            ? Refusal.over_budget
            : settings.setRack(body);
      if (refusal !== 0) session().refuse(tag, refusal, "rack_set");
      else answerRack(tag);
    },
    rack_get(this: void, _body: Body, tag: number): void {
      answerRack(tag);
    },
  };
}
