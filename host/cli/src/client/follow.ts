import type { BayClient } from "./bay-client.ts";

/** Lines of a stream of the bay until it ends or the signal aborts. Throws `CliError` where there is no such stream. */
export async function* follow(bay: BayClient, path: string, signal: AbortSignal): AsyncGenerator<string> {
  try {
    yield* await bay.lines(path, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
