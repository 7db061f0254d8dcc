const LAYOUT = 1;
const RECORD = "<BBI2I2I2I2I2I2";
const RECORD_BYTES = 14;

/** What a channel is and was told, as one bundle hands it to the next. */
export interface Handed {
  closed: boolean;
  floating: boolean;
  /** A cycle is under way: on again when its dwell is over. */
  thenOn: boolean;
  fault: number;
  dwell_ms: number;
  hard_ma: number;
  slow_ma: number;
  slow_ms: number;
  inrush_ma: number;
  inrush_ms: number;
}

/** The part of a channel's record that power gives, and the one that protection gives. */
export type Switched = Pick<Handed, "closed" | "floating" | "thenOn" | "fault" | "dwell_ms">;
type Limited = Pick<Handed, "hard_ma" | "slow_ma" | "slow_ms" | "inrush_ma" | "inrush_ms">;

/** The record of a channel. */
export function handed(of: Switched, l: Limited): string {
  const flags = (of.closed ? 1 : 0) + (of.floating ? 2 : 0) + (of.thenOn ? 4 : 0);
  return string.pack(RECORD, flags, of.fault, of.dwell_ms, l.hard_ma, l.slow_ma, l.slow_ms, l.inrush_ma, l.inrush_ms);
}

/** All records behind one byte that names their layout. */
export function handOver(records: string): string {
  return string.char(LAYOUT) + records;
}

/** The channels of the bundle before; undefined at a start of the controller, or where the layout is another. */
export function taken(kept: string | undefined, channels: number): Handed[] | undefined {
  if (kept === undefined || kept.length !== 1 + channels * RECORD_BYTES || string.byte(kept) !== LAYOUT) {
    return undefined;
  }
  const list: Handed[] = [];
  for (let i = 0; i < channels; i += 1) {
    const [flags, fault, dwell_ms, hard_ma, slow_ma, slow_ms, inrush_ma, inrush_ms] = string.unpack(
      RECORD,
      kept,
      2 + i * RECORD_BYTES,
    );
    list.push({
      closed: (flags & 1) !== 0,
      floating: (flags & 2) !== 0,
      thenOn: (flags & 4) !== 0,
      fault,
      dwell_ms,
      hard_ma,
      slow_ma,
      slow_ms,
      inrush_ma,
      inrush_ms,
    });
  }
  return list;
}
