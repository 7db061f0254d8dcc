/** What a session has done and dropped, beside the deframer's counters. */
export interface LinkCounters {
  tx_frames: number;
  tx_bytes: number;
  rx_frames: number;
  rx_bytes: number;
  resent: number;
  duplicate: number;
  out_of_order: number;
  /** Frames whose message id is not in the table. */
  unknown: number;
  /** Bodies that do not fit their line. */
  malformed: number;
  /** Responses for no open request. */
  unexpected: number;
  /** Frames of the other end that came while no session was open. */
  outside_session: number;
  /** Requests that came again and were answered from memory. */
  repeated_answers: number;
  /** Stream frames not sent for want of room. */
  dropped_stream: number;
  /** State frames replaced by a newer one before they could leave. */
  merged_state: number;
  /** Requests that got no answer in time, or whose link was lost. */
  timeouts: number;
  resets: number;
  /** Requests that came without credit: not taken, and sent again by the other end. */
  no_credit: number;
  /** Descriptions that a board with another message table did not give. */
  undescribed: number;
  /** Hellos of other hosts while the session had one. */
  busy: number;
  /** Gaps told to the other end, and told by it. */
  naks_sent: number;
  naks_heard: number;
}

export function linkCounters(): LinkCounters {
  return {
    tx_frames: 0,
    tx_bytes: 0,
    rx_frames: 0,
    rx_bytes: 0,
    resent: 0,
    duplicate: 0,
    out_of_order: 0,
    unknown: 0,
    malformed: 0,
    unexpected: 0,
    outside_session: 0,
    repeated_answers: 0,
    dropped_stream: 0,
    merged_state: 0,
    timeouts: 0,
    resets: 0,
    no_credit: 0,
    busy: 0,
    undescribed: 0,
    naks_sent: 0,
    naks_heard: 0,
  };
}
