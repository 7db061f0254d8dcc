/** Front panel of a rack, ids 0x30-0x37. */
export const panelMessages = {
  panel_write:
    "0x30 request:panel_answer host ttl_ms:u16 line1:text line2:text line3:text line4:text -- Shows a page of the host for ttl_ms (0: until replaced by the status page, which an empty page asks for).",
  panel_answer: "0x31 response board page:text -- The page that the display shows from now on.",
  panel_state:
    "0x32 state board page:text line1:text line2:text line3:text line4:text -- What the display shows; sent at every change.",
  button:
    "0x33 event board button:u8 press:u8 tick_us:u32 -- A press of a front-panel button. Buttons: 1 up, 2 down, 3 select, 4 stop. Presses: 1 short, 2 long, 3 held.",
  locate:
    "0x34 request:locate_answer host channel:u8 duration_ms:u16 -- Shows the channel's name on the panel and blinks the backlight (0: ends it).",
  locate_answer: "0x35 response board channel:u8 active:u8 -- The locate page is shown (1) or ended (0).",
  target_names:
    "0x36 request:target_names_answer host channel:u8 name:text -- Tells the board the name of a channel's target for its panel.",
  target_names_answer: "0x37 response board channel:u8 -- The name is stored until the board restarts.",
} as const;

export const Button = { up: 1, down: 2, select: 3, stop: 4 } as const;
export const Press = { short: 1, long: 2, held: 3 } as const;
