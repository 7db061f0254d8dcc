import { type RequestOutcome, Stream } from "@mltb/protocol";
import type { DeviceLink } from "../link/device-link.ts";

const REQUEST_MS = 5000;
const ENDED_MS = 50;

/**
 * Ends a board's streams: a board takes no write to its store while one runs. Streams end with their time to live, and
 * the shortest one ends them now. Resolves with what went wrong where the board did not answer.
 */
export async function stopStreams(
  link: DeviceLink,
): Promise<Exclude<RequestOutcome<"stream_answer">, { kind: "answer" | "refused" }> | undefined> {
  for (const stream of Object.values(Stream)) {
    const outcome = await link.request("stream_open", { stream, ttl_ms: 1, period_us: 0 }, REQUEST_MS);
    if (outcome.kind !== "answer" && outcome.kind !== "refused") return outcome;
  }
  await new Promise((resolve) => setTimeout(resolve, ENDED_MS));
  return undefined;
}
