import { type BoardSession, type Body, Refusal } from "@mltb/protocol";

/** Sweeps before a trip, with the one under way, and after it: 100 ms each. */
const BEFORE = 11;
const AFTER = 10;
const SWEEP_US = 10000;
/** Rows in one answer. */
const WAVE_ROWS = 100;
const CURRENT = 0;
const NO_WAVEFORM = {
  channel: 0,
  rows: 0,
  left: 0,
  period_us: 0,
  tick_us: 0,
  voltages: 0,
  sweep_us: 0,
  sweep_tick_us: 0,
};

interface Voltages {
  channel: number;
  /** Bus-voltage codes, two bytes each, least significant first. */
  codes: string;
  tick_us: number;
  left: number;
}

/** Waveforms of the last two trips: the current that the runtime keeps, and the voltage of the monitor's sweeps. */
export interface Waveforms {
  /** A channel is about to be opened by a fault. */
  tripping(this: void, index: number): void;
  /** A sweep has been taken: registers as they were read, two bytes each, most significant first. */
  swept(this: void, registers: string, tick_us: number): void;
  handlers: Record<string, (this: void, body: Body, tag: number) => void>;
}

export function createWaveforms(hal: Hal, session: () => BoardSession): Waveforms {
  const recent: string[] = [];
  /** Where the next sweep goes, over the oldest one when there are enough. */
  let next = 0;
  let recent_us = 0;
  /** The latest last. */
  const kept: Voltages[] = [];
  const { wave_keep, wave_get, wave_read } = hal;

  /** The bus voltage is the second of a part's two registers. */
  function code(registers: string, index: number): string {
    return string.reverse(string.sub(registers, 4 * index + 3, 4 * index + 4));
  }

  const of = (back: number): Voltages | undefined => kept[kept.length - 1 - back];

  const handlers: Waveforms["handlers"] = {};
  if (wave_get !== undefined && wave_read !== undefined) {
    handlers["waveform_get"] = (body, tag) => {
      const back = body["back"] as number;
      const [index, rows, left, period_us, tick_us] = wave_get(back);
      const voltage = of(back);
      if (index === undefined || voltage === undefined) session().answer(tag, "waveform_answer", NO_WAVEFORM);
      else {
        session().answer(tag, "waveform_answer", {
          channel: index + 1,
          rows,
          left,
          period_us,
          tick_us,
          voltages: voltage.codes.length / 2,
          sweep_us: SWEEP_US,
          sweep_tick_us: voltage.tick_us,
        });
      }
    };
    handlers["waveform_read"] = (body, tag) => {
      const first = body["first"] as number;
      const back = body["back"] as number;
      const voltage = of(back);
      if (voltage === undefined) session().refuse(tag, Refusal.bad_value, "back");
      else if (body["what"] === CURRENT)
        session().answer(tag, "waveform_rows", { first, data: wave_read(back, first, WAVE_ROWS) });
      else session().answer(tag, "waveform_rows", { first, data: string.sub(voltage.codes, 2 * first + 1) });
    };
  }

  return {
    handlers,
    tripping(this: void, index: number): void {
      if (wave_keep === undefined || !wave_keep(index)) return;
      let codes = "";
      const oldest = recent.length < BEFORE ? 0 : next;
      for (let i = 0; i < recent.length; i += 1) {
        const at = oldest + i;
        codes += code(recent[at < recent.length ? at : at - recent.length] as string, index);
      }
      if (kept.length === 2) table.remove(kept, 1);
      kept.push({ channel: index, codes, tick_us: recent_us - (recent.length - 1) * SWEEP_US, left: AFTER });
    },
    swept(this: void, registers: string, tick_us: number): void {
      recent[next] = registers;
      next = next + 1 === BEFORE ? 0 : next + 1;
      recent_us = tick_us;
      for (const wave of kept) {
        if (wave.left === 0) continue;
        wave.left -= 1;
        wave.codes += code(registers, wave.channel);
      }
    },
  };
}
