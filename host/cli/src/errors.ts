/** Exit codes of every command, INTERFACES section 2. */
export const Exit = { done: 0, bad: 1, usage: 2, refused: 3, unreachable: 4, internal: 5, interrupted: 130 } as const;

/** One fault, in the form that `--json` prints. */
export interface CliFault {
  code: string;
  message: string;
  file?: string;
  line?: number;
  column?: number;
  path?: string;
  suggestion?: string;
}

/** A command that ends with an exit code and one or more faults. */
export class CliError extends Error {
  readonly exit: number;
  readonly faults: CliFault[];

  constructor(exit: number, faults: CliFault[]) {
    super(faults.map((fault) => fault.message).join("; "));
    this.exit = exit;
    this.faults = faults;
  }
}

export function cliError(exit: number, code: string, message: string, suggestion?: string): CliError {
  return new CliError(exit, [{ code, message, ...(suggestion === undefined ? {} : { suggestion }) }]);
}

/** A fault as a line of text: `FILE:LINE:COL: error: ...` in a file, `error: ...` elsewhere. */
export function faultLine(fault: CliFault): string {
  const where = fault.file === undefined ? "" : `${fault.file}:${fault.line ?? 1}:${fault.column ?? 1}: `;
  const mend = fault.suggestion === undefined ? "" : ` (${fault.suggestion})`;
  return `${where}error: ${fault.message}${mend}`;
}
