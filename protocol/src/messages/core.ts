/** Core messages, ids 0x00-0x1f: every board speaks them. */
export const coreMessages = {
  hello:
    "0x01 control host major:u8 minor:u8 nonce:u16 fingerprint:u16 name:text -- Opens the session, or resets it when it is open.",
  welcome:
    "0x02 control board major:u8 minor:u8 nonce:u16 epoch:u16 window:u8 body_limit:u16 fingerprint:u16 reset_cause:u8 uptime_ms:u32 kind:text serial:text firmware:text capabilities:text -- Answers hello with its nonce. The epoch changes with every start of the board; capabilities are `name:version` words.",
  busy: "0x03 control board nonce:u16 idle_ms:u16 holder:text -- Answers the hello of a second host: the session belongs to `holder`, which was heard idle_ms ago. It becomes free when its host was silent for a second.",
  reset:
    "0x04 control both reason:u8 -- The sender has no session any more: the other end ends its own at once. Reasons: 1 closed, 2 frames without a session.",
  ping: "0x05 control both token:u16 -- Asks for a pong; served before everything else.",
  pong: "0x06 control both token:u16 tick_us:u32 uptime_ms:u32 -- Answers a ping with the device's tick.",
  ack: "0x07 ack both -- Carries the header's acknowledgement when no other frame does.",
  nak: "0x08 control both expected:u8 -- A reliable frame is missing: everything from this seq on is to be sent again. Sent once for each gap.",
  refusal:
    "0x09 response both code:u8 detail:text -- The request was understood to be impossible; nothing was done. Codes: messages/refusals.ts.",
  log: "0x0a event board level:u8 uptime_ms:u32 text:text -- A line of the device's log. Levels: 0 debug, 1 info, 2 warning, 3 error.",
  echo: "0x0b request:echo_answer host data:rest -- Returns its data; for benchmarks and line checks.",
  echo_answer: "0x0c response board data:rest -- The data of the echo.",
  counters_get: "0x0d request:counters_answer host -- Asks for the board's own link counters.",
  counters_answer:
    "0x0e response board good:u32 crc:u32 malformed:u32 oversize:u32 skipped_bytes:u32 unknown:u32 duplicate:u32 out_of_order:u32 resent:u32 dropped_stream:u32 dropped_tx:u32 lua_errors:u32 heap_bytes:u32 -- What the board's end of the link has seen and dropped since its start.",
  drops_get:
    "0x12 request:drops_answer host -- Asks for what the board's runtime has dropped, below the frames of the link.",
  drops_answer:
    "0x13 response board link_overruns:u32 link_foreign:u32 link_stuck:u32 converter_crc:u32 converter_overruns:u32 trips_lost:u32 edges_lost:u32 bus_failed:u32 bus_recovered:u32 bus_stuck:u32 -- Counted since start: bytes that found no room, came from another carrier or were given up unsent; frames of the converter with a wrong CRC or not fetched; trips and marker edges without room in their queues; transfers on the I2C buses that were not acknowledged or given up, times that a held bus was freed by clocks, and that it stayed held.",
} as const;

/** Why an end says `reset`. */
export const ResetReason = { closed: 1, no_session: 2 } as const;
