/**
 * The board as the firmware sees it. Every function is called with a dot (`this: void`). The C port of
 * `lua-runtime/` and the Node runner of the simulators implement the same contract; functions marked optional are nil
 * where a board lacks them, and the firmware must then do without.
 */
interface Hal {
  /** Board facts. The serial number names the board; the epoch (0..65535) differs at every start. */
  serial(this: void): string;
  epoch(this: void): number;
  /** 0 power-on, 1 watchdog, 2 software, 3 pin, 4 no reset: another bundle was started. */
  reset_cause(this: void): number;

  /** Free-running microseconds, 32 bits, wraps. On 32-bit Lua the same bits as a signed number. */
  ticks_us(this: void): number;

  /** Link carrier: whole frames out; room in bytes. Bytes in arrive through `rx`. */
  link_write(this: void, bytes: string): void;
  link_room(this: void): number;
  /** Seals and sends a frame (`protocol/src/frame/frame.ts`) of body and a sampler's block; bytes on the wire. */
  link_frame?(
    this: void,
    kind: number,
    seq: number,
    ack: number,
    credit: number,
    id: number,
    tag: number,
    body: string,
    bulk?: string,
  ): number;
  /**
   * What the runtime's own deframer has seen, as `counters_answer` has it: good frames, wrong CRC, other faults, oversize,
   * bytes thrown away.
   */
  link_faults?(this: void): LuaMultiReturn<[number, number, number, number, number]>;

  /** Modes: 0 input, 1 output, 2 input with pull-up. Levels: 0, 1. */
  gpio_mode(this: void, pin: number, mode: number): void;
  gpio_write(this: void, pin: number, level: number): void;
  gpio_read(this: void, pin: number): number;

  /**
   * Shifts bytes through the output chain, first byte and highest bit first, and latches them. A switch that the runtime
   * has tripped stays open until it is written open.
   */
  chain_write(this: void, bytes: string): void;
  /**
   * Opens the switch of a channel (from 0) in hardware time when its converter code stays above `code`. With `for_ms` the
   * limit holds so long, and the one before counts afterwards.
   */
  trip_limit(this: void, channel: number, code: number, for_ms?: number): void;
  /** Oldest trip: channel from 0, or -1 for the shared alert line; tick; converter code. Nil when there is none. */
  trip_take(this: void): LuaMultiReturn<[number | undefined, number, number]>;

  /**
   * Writes, then reads `read` bytes (64 at most) after a repeated start; nil when the part does not acknowledge. A bus that
   * a part holds is freed by clocks first; nil at once where it stays held.
   */
  i2c_xfer(this: void, bus: number, address: number, write: string, read: number): string | undefined;

  /**
   * Background sweep of the 16-bit registers of parts on the monitors' bus: every `period_us` each register (a byte) of
   * each part (an address byte) is read. False when that is more than the board can.
   */
  sweep_start(this: void, period_us: number, addresses: string, registers: string): boolean;
  /**
   * The latest finished sweep, once: two bytes a register, most significant first, part after part; tick of its start;
   * bit n of the mask is set when part n did not answer. Nil when there is no new one.
   */
  sweep_take(this: void): LuaMultiReturn<[string | undefined, number, number]>;

  /** Busy wait, for times too short for the tick (display strobes). */
  delay_us(this: void, us: number): void;

  /** Marker inputs: starts edge capture on these pins; bit n of the mask is pin n. */
  edges_start(this: void, mask: number): void;
  /** Oldest captured edge: pin, level, tick and index of the sample row whose interval holds it; nil when none. */
  edge_take(this: void): LuaMultiReturn<[number | undefined, number, number, number]>;

  /**
   * Fast sampler: rows of i16 little endian, one per channel, every `period_us`; blocks of `rows`. False when the
   * board has none. It runs until stopped; a full ring drops whole blocks, oldest first, and counts their rows.
   */
  sampler_start?(this: void, period_us: number, rows: number): boolean;
  sampler_stop?(this: void): void;
  /** Keeps conversions running between streams, for compare and energy. */
  sampler_keep?(this: void, on: boolean): void;
  /** Energy counters: for each channel 64 bits, little endian, of converter code x bus-voltage code over conversions. */
  sampler_energy?(this: void): string;
  /**
   * Next full block: index of the first row, tick at the end of its interval, rows lost so far; nil if none. The block
   * itself may be a handle that only `link_frame` understands, valid until the next call.
   */
  sampler_take?(this: void): LuaMultiReturn<[string | undefined, number, number, number]>;

  /** The protocol's bodies (`protocol/src/schema/codec.ts`) where the runtime has them in C. */
  body_pack?(this: void, line: string, body: Record<string, number | string>): string;
  body_unpack?(this: void, line: string, bytes: string): Record<string, number | string> | undefined;
  /** CRC-16 as in the protocol, where the runtime has it in C. */
  crc16?(this: void, bytes: string, init: number): number;
  /**
   * Lowest and highest converter code of every channel since the last call, two i16 little endian each; nil where no
   * conversion has come since.
   */
  sampler_range?(this: void): string | undefined;
  /**
   * Keeps the current of a channel (from 0) over the last 100 ms and the next 100 ms, in place of the older of two that
   * are kept; false while both are under way, or without conversions.
   */
  wave_keep?(this: void, channel: number): boolean;
  /**
   * What is kept, the latest (0) or the one before (1): channel from 0, rows so far, rows to come, time between rows, tick
   * at the end of the first; nil for none.
   */
  wave_get?(this: void, back: number): LuaMultiReturn<[number | undefined, number, number, number, number]>;
  /** Rows of it, i16 little endian; fewer at its end. */
  wave_read?(this: void, back: number, first: number, count: number): string;

  /** Where it is there, the board's HAL is a `FlashHal`. */
  flash_erase?(this: void, offset: number): void;

  /**
   * What the runtime has dropped since start, 32 bits each: bytes received without room, bytes of other carriers while one
   * has the link, bytes given up unsent; converter frames with a wrong CRC, and frames not fetched because the one before
   * was still under way; trips and marker edges without room in their queues; transfers on a bus that were not acknowledged
   * or given up, times that a held bus was freed by clocks, and that it stayed held.
   */
  counters?(
    this: void,
  ): LuaMultiReturn<[number, number, number, number, number, number, number, number, number, number]>;
  /** Restarts the controller. */
  restart?(this: void): void;
  /** Bytes of the Lua heap in use. */
  heap_bytes(this: void): number;
}

/** What boards add to it that have a flash of their own: all of it or nothing. */
interface FlashHal extends Hal {
  /** Erases the sector that begins at this offset of the area (`hardware/src/boards/monitoring-flash.ts`). */
  flash_erase(this: void, offset: number): void;
  /** Programs bytes: ones become zeros where the byte has a zero. */
  flash_program(this: void, offset: number, bytes: string): void;

  /**
   * The running bundle: slot (0 the image's own, 1, 2), milliseconds until it gives way unless confirmed (-1 when it stays),
   * format that this runtime takes (`protocol/src/messages/transfer.ts`).
   */
  bundle_running(this: void): LuaMultiReturn<[number, number, number]>;
  /** SHA-256 of the running bundle, 32 bytes. */
  bundle_hash(this: void): string;
  /** The content of a slot (1, 2) is complete: false when its hash is another. It is the newest bundle from then on. */
  bundle_finish(this: void, slot: number, size: number, hash: string): boolean;
  bundle_confirm(this: void): void;
  /** Why the bundle before, on trial, gave way; told once, empty when none did. */
  bundle_gave_way(this: void): string;
  /** After the present call: takes `keep`, chooses the newest bundle that may run and boots it. Outputs stay as they are. */
  bundle_restart(this: void): void;

  /** Values that outlive restarts: empty where there is none; false when key or value is too long, or the store is full. */
  store_get(this: void, key: string): string;
  store_set(this: void, key: string, value: string): boolean;
}

/** What the bundle returns from `boot(hal, kept)`; `kept` is what the bundle before handed over, empty at a start of the board. */
interface Firmware {
  /** Bytes from the link, in any chunking; `now_ms` is milliseconds since start. */
  rx(this: void, chunk: string, now_ms: number): void;
  /** In place of `rx`, from a runtime that deframes: the header's fields and the body of a frame without a fault. */
  frame(
    this: void,
    kind: number,
    seq: number,
    ack: number,
    credit: number,
    id: number,
    tag: number,
    body: string,
    now_ms: number,
  ): void;
  /** Runs what is due; `now_ms` is milliseconds since start. Returns the milliseconds until the next due time (at most 100). */
  tick(this: void, now_ms: number): number;
  /** What the next bundle is to know; at most 256 bytes. */
  keep?(this: void): string;
}
