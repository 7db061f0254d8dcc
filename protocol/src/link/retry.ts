import { idiv } from "#platform";
import { RETRY_MAX_MS, RETRY_MIN_MS } from "../limits.ts";

/**
 * Retransmission time-out after Jacobson and Karels (RFC 6298 without its one-second floor), in integers: smoothed
 * round trip plus four deviations. Round trips of repeated frames are never fed in (Karn's rule).
 */
export interface Retry {
  srtt_ms: number;
  deviation_ms: number;
  measured: boolean;
}

export function retry(): Retry {
  return { srtt_ms: 100, deviation_ms: 50, measured: false };
}

export function roundTrip(r: Retry, ms: number): void {
  if (!r.measured) {
    r.measured = true;
    r.srtt_ms = ms;
    r.deviation_ms = idiv(ms, 2);
    return;
  }
  const error = ms > r.srtt_ms ? ms - r.srtt_ms : r.srtt_ms - ms;
  r.deviation_ms = idiv(3 * r.deviation_ms + error + 2, 4);
  r.srtt_ms = idiv(7 * r.srtt_ms + ms + 4, 8);
}

/**
 * Time-out for the attempt with that number (1 is the first), doubled for each repeat. The shortest one doubles too: on a
 * fast line all attempts would else be over before an end that was held up for a tenth of a second is back.
 */
export function timeoutMs(r: Retry, attempt: number): number {
  let ms = r.srtt_ms + 4 * r.deviation_ms;
  if (ms < RETRY_MIN_MS) ms = RETRY_MIN_MS;
  for (let i = 1; i < attempt; i += 1) ms *= 2;
  return ms > RETRY_MAX_MS ? RETRY_MAX_MS : ms;
}
