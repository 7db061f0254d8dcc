/** Limits of a channel, trips and energy, ids 0x38-0x3d; boards that say `protection:1`. */
export const protectionMessages = {
  limits_set:
    "0x38 request:limits_answer host channel:u8 hard_ma:u16 slow_ma:u16 slow_ms:u16 inrush_ma:u16 inrush_ms:u16 check:u16 -- Sets the over-current limits: hard opens the switch in hardware, slow after slow_ms above it; for inrush_ms after switching on the hard limit is inrush_ma. Kept over restarts where the board says `settings:1`. The check is that of channel, 0 and hard_ma.",
  limits_get: "0x39 request:limits_answer host channel:u8 -- Asks for the limits of a channel.",
  limits_answer:
    "0x3a response board channel:u8 hard_ma:u16 slow_ma:u16 slow_ms:u16 inrush_ma:u16 inrush_ms:u16 -- The limits in force, as the hardware rounds them.",
  trip: "0x3b event board channel:u8 fault:u8 source:u8 tick_us:u32 current_ma:i32 -- A channel was switched off by its protection at tick_us. Sources: 1 alert pin of the monitor, 2 compare of the sampler, 3 firmware.",
  energy_get: "0x3c request:energy_answer host -- Asks for the energy counters of the board.",
  energy_answer:
    "0x3d response board tick_us:u32 period_us:u16 data:rest -- For each channel a signed 64-bit sum of converter code x bus-voltage code over samples of period_us, little endian, since the board's start.",
} as const;

export const TripSource = { alert: 1, sampler: 2, firmware: 3 } as const;
