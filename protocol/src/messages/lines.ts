/** Lines of a target beyond the reset pulse, ids 0x3e-0x3f; boards that say `lines:1`. */
export const lineMessages = {
  reset_hold:
    "0x3e request:reset_answer host channel:u8 level:u8 check:u16 -- Asserts the target's reset line until it is released (level 0), pulsed or the channel is switched off; refused while the channel is off. The check is that of channel, level and 0.",
  strap_run:
    "0x3f request:power_answer host channel:u8 check:u16 name:text -- Runs the stored strap sequence of that name on a channel. Answered when its last step is done; a newer command ends it (`superseded`) and releases the lines. The check is that of channel, 0 and 0.",
} as const;
