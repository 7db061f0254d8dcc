/** Results that cannot be found or read; the message names the file. */
export class ResultsError extends Error {}

export function isResultsError(error: unknown): error is ResultsError {
  return error instanceof ResultsError;
}
