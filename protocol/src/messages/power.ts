import { shr } from "#platform";

/** Power, reset and faults of a channel, ids 0x20-0x27. Channels count from 1. */
export const powerMessages = {
  power_set:
    "0x20 request:power_answer host channel:u8 action:u8 off_ms:u16 check:u16 -- Switches a channel: 0 off and discharged, 1 on, 2 off and floating, 3 cycle with off_ms of dwell. Answered when the state was read back. A newer command ends an older one (`superseded`).",
  power_answer:
    "0x21 response board channel:u8 outcome:u8 state:u8 fault:u8 switch_on:u8 voltage_mv:i32 current_ua:i32 state_seq:u32 -- Outcome of a power command with what was measured. Outcomes: messages/power.ts.",
  channel_get: "0x22 request:channel_answer host channel:u8 -- Asks for the state of a channel, read anew.",
  channel_answer:
    "0x23 response board channel:u8 state:u8 fault:u8 switch_on:u8 reset_asserted:u8 voltage_mv:i32 current_ua:i32 state_seq:u32 cause:u8 -- The state of a channel. `switch_on` is read back at the gate: 0 open, 1 closed, 2 where that could not be read.",
  channel_state:
    "0x24 state board channel:u8 state:u8 fault:u8 switch_on:u8 reset_asserted:u8 voltage_mv:i32 current_ua:i32 state_seq:u32 tick_us:u32 cause:u8 -- Sent at every change and once a second.",
  reset_pulse:
    "0x25 request:reset_answer host channel:u8 pulse_ms:u16 check:u16 -- Asserts the target's reset line for pulse_ms; refused while the channel is off.",
  reset_answer:
    "0x26 response board channel:u8 outcome:u8 held_ms:u16 reset_asserted:u8 -- The pulse has ended and the line was read back.",
  rearm:
    "0x27 request:channel_answer host channel:u8 fault:u8 check:u16 -- Clears the latched fault of that number; the channel stays off.",
} as const;

export const PowerAction = { off: 0, on: 1, off_floating: 2, cycle: 3 } as const;

/** State of a channel as the firmware proved it. */
export const ChannelState = { unknown: 0, off: 1, on: 2, changing: 3, fault: 4 } as const;

/** What brought a channel into its state. */
export const Cause = {
  start: 0,
  command: 1,
  panel: 2,
  fault: 3,
  rearm: 4,
  /** The restore policy, after an outage. */
  restore: 5,
  /** The host-loss policy. */
  host_loss: 6,
  /** A strap sequence. */
  strap: 7,
} as const;

/** How a power or reset command ended. */
export const Outcome = { done: 0, superseded: 1, not_confirmed: 2, fault: 3 } as const;

/** Latched faults of a channel. */
export const Fault = {
  none: 0,
  /** On was asked, the rail did not reach its voltage in time. */
  on_unproved: 1,
  /** Off was asked, voltage or current stayed above the threshold. */
  off_unproved: 2,
  /** The monitor of the channel does not answer. */
  sensor_dead: 3,
  /** Current above the channel's slow limit for too long. */
  over_current: 4,
  /** Current above the channel's hard limit: hardware or the sampler opened the switch. */
  hard_over_current: 5,
  /** Voltage of a closed channel above, or of one that is on below, the channel's software limit. */
  over_voltage: 6,
  under_voltage: 7,
  /** Current into the board above the channel's software limit. */
  reverse_current: 8,
  /** The monitor's current and the fast converter's disagree. */
  sensor_drift: 9,
} as const;

/**
 * The 16-bit complement that power and reset bodies carry, so that nothing switches on the frame's CRC alone.
 *
 * @param a first operand (channel)
 * @param b second operand (action, or 0)
 * @param c 16-bit operand (milliseconds, or 0)
 */
export function bodyCheck(a: number, b: number, c: number): number {
  return 65535 - (((a & 255) | ((b & 255) << 8)) ^ (c & 255) ^ (shr(c & 65535, 8) << 8));
}
