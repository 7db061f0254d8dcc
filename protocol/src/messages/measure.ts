/** Measurement streams and markers, ids 0x28-0x2f. */
export const measureMessages = {
  stream_open:
    "0x28 request:stream_answer host stream:u8 ttl_ms:u16 period_us:u32 -- Starts a stream or renews it; it ends ttl_ms after the last renewal. Streams: 1 fast current samples, 2 monitor sweeps (voltage and current). `period_us` is the time from sample to sample, 0 the board's own choice; boards with `samples:2` take another, and a stream that runs at another rate starts anew.",
  stream_answer:
    "0x29 response board stream:u8 channels:u8 rows:u8 period_us:u32 first:u32 tick_us:u32 -- The stream runs: samples of a block, time between samples, and index and tick of the next one.",
  sample_block:
    "0x2a stream board stream:u8 channels:u8 rows:u8 period_us:u32 first:u32 tick_us:u32 lost:u32 data:rest -- Rows of i16 converter codes, channel by channel. `first` is the index of the first row, `tick_us` the device time at the end of the first row's interval, `lost` all rows lost so far.",
  monitor_block:
    "0x2b stream board channels:u8 first:u32 tick_us:u32 data:rest -- One sweep over the monitors: for each channel u16 bus-voltage code, i16 shunt-voltage code; 0x8000 as shunt code means that the monitor did not answer.",
  marker_edge:
    "0x2c event board channel:u8 level:u8 tick_us:u32 first:u32 -- An edge of a target's marker input: device time, and index of the sample row whose interval holds it.",
} as const;

export const Stream = { samples: 1, monitors: 2 } as const;
