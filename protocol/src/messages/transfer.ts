/** Bundles, log, store and waveform, ids 0x40-0x4c and 0x50-0x53; boards that say `update:1`, `logs:1`, `store:1` and `waveform:1`. */
export const transferMessages = {
  firmware_get: "0x40 request:firmware_answer host -- Asks which bundle runs.",
  firmware_answer:
    "0x41 response board slot:u8 state:u8 format:u8 left_ms:u16 received:u32 hash:rest -- The running bundle: slot (0 the image's own, 1 A, 2 B), state, format that the board takes, time left until an unconfirmed bundle gives way, bytes received of a new one, SHA-256 of the bundle. States: 0 the image's own, 1 confirmed, 2 on trial. Formats: messages/transfer.ts.",
  firmware_open:
    "0x42 request:firmware_answer host size:u32 format:u8 hash:rest -- A new bundle of this size and SHA-256 follows; it goes into the slot that does not run. Streams are refused until it was started, or until nothing came for 3 s.",
  firmware_write:
    "0x43 request:firmware_written host offset:u32 data:rest -- The next bytes of the bundle; `offset` is how many came before.",
  firmware_written: "0x44 response board received:u32 -- The bytes are in flash.",
  firmware_start:
    "0x45 request:firmware_answer host hash:rest -- The bundle is complete: its SHA-256 is checked, and it is started in place of the running one. Channels keep their state. It must be confirmed within 10 s.",
  firmware_confirm:
    "0x46 request:firmware_answer host hash:rest -- The host is content with the running bundle, named by its SHA-256: it stays.",
  log_read:
    "0x48 request:log_lines host first:u32 -- Asks for the lines of the log that the board keeps, from this number on.",
  log_lines:
    "0x49 response board first:u32 next:u32 lost:u32 data:rest -- Lines `uptime_ms level text`, each closed by a line feed, from number `first` to before `next`; ask on with `next` until no line comes. `lost` lines before `first` are not kept any more.",
  store_get: "0x4a request:store_answer host key:text -- Asks for a value of the non-volatile store.",
  store_set:
    "0x4b request:store_answer host key:text value:rest -- Keeps a value over restarts; an empty one removes it.",
  store_answer: "0x4c response board key:text value:rest -- The value that is kept; empty where there is none.",
  waveform_get:
    "0x50 request:waveform_answer host back:u8 -- Asks which waveform of a trip the board keeps: the latest (0) or the one before (1).",
  waveform_answer:
    "0x51 response board channel:u8 rows:u16 left:u16 period_us:u16 tick_us:u32 voltages:u8 sweep_us:u16 sweep_tick_us:u32 -- The waveform of the channel that tripped, 0 where none has: rows of current so far, rows still to come, time between rows, device time at the end of the first one; readings of voltage, time between them, device time of the first. Rows begin 100 ms before the trip and end 100 ms after it.",
  waveform_read:
    "0x52 request:waveform_rows host first:u16 back:u8 what:u8 -- Asks for rows of a waveform, from this one on: current (0) or voltage (1).",
  waveform_rows:
    "0x53 response board first:u16 data:rest -- Rows of i16 converter codes, or of u16 bus-voltage codes; none at the end.",
} as const;

/** State of the running bundle. */
export const FirmwareState = { factory: 0, confirmed: 1, trial: 2 } as const;

/** What a board takes for a bundle: Lua source, or stripped bytecode whose functions run in place, by size of its numbers. */
export const BundleFormat = { source: 1, bytecode_i64: 2, bytecode_i32: 3 } as const;
