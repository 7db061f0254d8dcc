/** Every number that both ends of the wire must agree on. */

/** Major version of the wire; ends with different majors only talk control messages. */
export const MAJOR = 1;
/** Minor version: grows with every addition to the message table. */
export const MINOR = 3;

/** Bytes of the frame header, see `frame/frame.ts`. */
export const HEADER_BYTES = 8;
/** Bytes of the trailing CRC-16. */
export const CRC_BYTES = 2;
/** Largest decoded control frame (header + body + CRC): up to here COBS adds exactly one byte and the delimiter. */
export const CONTROL_FRAME_BYTES = 253;
/** Largest decoded stream frame. */
export const STREAM_FRAME_BYTES = 2048;
/** Largest body of a control frame. */
export const CONTROL_BODY_BYTES = CONTROL_FRAME_BYTES - HEADER_BYTES - CRC_BYTES;
/** Largest body of a stream frame. */
export const STREAM_BODY_BYTES = STREAM_FRAME_BYTES - HEADER_BYTES - CRC_BYTES;

/** Reliable frames that may be on their way unacknowledged, unless `welcome` grants fewer. */
export const WINDOW_FRAMES = 4;
/** Answers that a board keeps to repeat them. */
export const ANSWERS_KEPT = 8;
/** Requests that may run on a board at once: two on each of eight channels, and room for those that end them. */
export const REQUESTS_RUN = 20;
/** Bare acknowledgement is sent this long after a reliable frame when nothing else carried it. */
export const ACK_DELAY_MS = 5;
/** Bounds of the adaptive retransmission time-out (smoothed round trip + 4 deviations). */
export const RETRY_MIN_MS = 25;
export const RETRY_MAX_MS = 1000;
/**
/**
 * Sends of one reliable frame, the first included, before the link counts as lost: on the fastest line 1.6 s, so that an
 * end that does nothing for a while is judged by its silence alone.
 */
export const SEND_ATTEMPTS = 6;
/** A host repeats `hello` at this interval until it is welcomed. */
export const HELLO_EVERY_MS = 200;
/** A host pings at this interval; odd, so that it does not beat with other timers. */
export const PING_EVERY_MS = 230;
/** Silence after which the other end is lost. */
export const SILENCE_MS = 900;
/** A session whose host was silent for this long is free for another host. */
export const HOLD_MS = 1000;
/** A sender without credit tries one frame again after this time, in case the grant was lost. */
export const CREDIT_PROBE_MS = 200;
/** An end that hears frames without a session says `reset` at most this often. */
export const RESET_EVERY_MS = 200;
/** Text of the device log never exceeds this. */
export const LOG_TEXT_BYTES = 120;

/** Longest encoded block of a control frame: COBS adds one byte per 254. */
export const encodedLimitControl = CONTROL_FRAME_BYTES + 1;
/** Longest encoded block of a stream frame. */
export const encodedLimitStream = STREAM_FRAME_BYTES + 10;
