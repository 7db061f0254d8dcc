/** Results that cannot be found or read; the message names the file, `mend` what helps where that is known. */
export class ResultsError extends Error {
  readonly mend: string | undefined;

  constructor(message: string, mend?: string) {
    super(message);
    this.mend = mend;
  }
}

export function isResultsError(error: unknown): error is ResultsError {
  return error instanceof ResultsError;
}
