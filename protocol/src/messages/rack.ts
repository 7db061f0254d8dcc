/** The rack around a board, ids 0x4d-0x4f; boards that say `rack:1`. */
export const rackMessages = {
  rack_state:
    "0x4d state board temperature_mdeg:i32 supply_mv:i32 supply_ma:i32 flags:u8 -- The rack's supply and its temperature, once a second and when a flag changes. Flags: 1 the panel is locked, 2 the temperature sensor is silent, 4 the supply's monitor is silent: what a silent part measured is the last that is known.",
  panel_set:
    "0x4e request:panel_answer host locked:u8 note:text -- Locks the panel's actions (1; Stop works on) or frees them (0), and sets the line that says what the host is doing, such as a running experiment; empty removes it.",
  panel_lease:
    "0x4f request:panel_answer host channel:u8 left_s:u32 holder:text -- Who has leased a channel's target, and for how long; 0 until it is told otherwise, an empty holder ends it. The panel shows it and does not switch a leased target.",
} as const;

/** Bits of `rack_state`'s flags. */
export const RackFlag = { locked: 1, no_temperature: 2, no_supply: 4 } as const;
