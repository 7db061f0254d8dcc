/**
 * What a board is told to keep over restarts, ids 0x54-0x5f; boards that say `settings:1`. Each answer is what the board
 * reads back from its store. Requests that would write are refused as `busy` while a stream runs.
 */
export const settingsMessages = {
  settings_set:
    "0x54 request:settings_answer host channel:u8 restore:u8 host_loss:u8 interlock:u8 host_loss_ms:u16 over_mv:u16 under_mv:u16 reverse_ma:u16 drift_ma:u16 check:u16 -- Policies and software limits of a channel. Restore after an outage: 0 off, 1 on, 2 last commanded state. Host loss: 0 keep, 1 off after host_loss_ms without a host. Of the channels of an interlock group at most one is on; 0 is no group. A limit of 0 is none. The check is that of channel, restore and over_mv.",
  settings_get:
    "0x55 request:settings_answer host channel:u8 -- Asks for the policies and software limits of a channel.",
  settings_answer:
    "0x56 response board channel:u8 restore:u8 host_loss:u8 interlock:u8 host_loss_ms:u16 over_mv:u16 under_mv:u16 reverse_ma:u16 drift_ma:u16 stored:u8 -- What is in force, and whether it is in the store (1).",
  rack_set:
    "0x57 request:rack_answer host budget_ma:u16 stagger_ms:u16 check:u16 -- Rules of the whole rack: the slow limits of the channels that are on never exceed budget_ma together (0: no budget); switches close at least stagger_ms apart. The check is that of 0, 0 and budget_ma.",
  rack_get: "0x58 request:rack_answer host -- Asks for the rules of the rack.",
  rack_answer:
    "0x59 response board budget_ma:u16 stagger_ms:u16 used_ma:u16 stored:u8 -- The rules, and what the channels that are on take of the budget.",
  calibration_set:
    "0x5a request:calibration_answer host channel:u8 voltage_ppm:i16 voltage_100uv:i16 current_ppm:i16 current_10ua:i16 fast_ppm:i16 fast_10ua:i16 drift_ppm_k:i16 at_10mc:i16 check:u16 -- Calibration of a channel: gain and offset of the monitor's voltage, of its current and of the fast current, change of both currents' gain with temperature, and the temperature at which it was made. The board corrects what its monitors read; samples travel as they are. The check is that of channel, 0 and the unsigned voltage_ppm.",
  calibration_get: "0x5b request:calibration_answer host channel:u8 -- Asks for the calibration of a channel.",
  calibration_answer:
    "0x5c response board channel:u8 voltage_ppm:i16 voltage_100uv:i16 current_ppm:i16 current_10ua:i16 fast_ppm:i16 fast_10ua:i16 drift_ppm_k:i16 at_10mc:i16 valid:u8 temperature_10mc:i16 -- The calibration in force: 1 stored, 0 none, 2 the stored one fails its checksum and is not used. The board's temperature now, -32768 where it has none.",
  strap_set:
    "0x5d request:strap_stored host name:text steps:rest -- Stores a strap sequence: steps of four bytes, what to do, its argument, and how long to wait afterwards in ms (u16, little endian). 1 switches off and discharges, 2 switches on, 3 sets lines: bit 0 of the argument is reset, bit 1 strap. No steps remove it.",
  strap_get: "0x5e request:strap_stored host name:text -- Asks for a stored strap sequence.",
  strap_stored: "0x5f response board name:text steps:rest -- The sequence of that name; without steps there is none.",
} as const;

/** What a channel does after an outage. */
export const Restore = { off: 0, on: 1, last: 2 } as const;
/** What a channel does without a host. */
export const HostLoss = { keep: 0, off: 1 } as const;
/** What a step of a strap sequence does, and the bits of its lines. */
export const StrapStep = { off: 1, on: 2, lines: 3 } as const;
export const StrapLine = { reset: 1, strap: 2 } as const;
/** Bytes of a step, and steps of a sequence at most. */
export const STRAP_STEP_BYTES = 4;
export const STRAP_STEPS = 32;
