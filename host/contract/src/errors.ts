/** Numbered, stable codes of what can go wrong on the way from a command to a board. */
export const ErrorCode = {
  unknown_target: 100,
  unknown_rack: 101,
  unknown_fault: 102,
  unknown_board: 103,
  unknown_recording: 104,
  unknown_lease: 105,
  unknown_configuration: 106,
  unknown_copy: 107,
  malformed: 110,
  expired: 111,
  retained: 112,
  not_supported: 113,
  key_reused: 114,
  superseded: 120,
  fault_latched: 121,
  not_on: 122,
  interlocked: 127,
  over_budget: 128,
  refused_by_board: 123,
  busy: 124,
  leased: 125,
  lease_ended: 126,
  not_confirmed: 130,
  board_failed: 131,
  board_lost: 132,
  outcome_unknown: 133,
  port_in_use: 140,
  broker_unreachable: 141,
  store_failed: 142,
  unauthorized: 150,
  forbidden: 151,
  foreign_host: 152,
  rate_limited: 153,
  tokens_unreadable: 154,
  name_taken: 155,
  insecure_listener: 156,
  no_such_route: 160,
  wrong_method: 161,
  too_large: 162,
  wrong_media_type: 163,
  internal: 199,
} as const;

export type ErrorName = keyof typeof ErrorCode;

/** HTTP status of each code. */
export const httpStatus: Record<ErrorName, number> = {
  unknown_target: 404,
  unknown_rack: 404,
  unknown_fault: 404,
  unknown_board: 404,
  unknown_lease: 404,
  unknown_recording: 404,
  unknown_configuration: 404,
  unknown_copy: 404,
  malformed: 422,
  expired: 409,
  retained: 409,
  not_supported: 422,
  key_reused: 422,
  superseded: 409,
  fault_latched: 409,
  not_on: 409,
  interlocked: 409,
  over_budget: 409,
  refused_by_board: 502,
  busy: 409,
  leased: 409,
  lease_ended: 409,
  not_confirmed: 504,
  board_failed: 502,
  board_lost: 503,
  outcome_unknown: 503,
  port_in_use: 503,
  broker_unreachable: 503,
  store_failed: 503,
  unauthorized: 401,
  forbidden: 403,
  foreign_host: 403,
  rate_limited: 429,
  tokens_unreadable: 503,
  name_taken: 409,
  insecure_listener: 422,
  no_such_route: 404,
  wrong_method: 405,
  too_large: 413,
  wrong_media_type: 415,
  internal: 500,
};

/** The code as it stands in problem documents and MQTT answers: `fault-latched`. */
export function wireCode(name: ErrorName): string {
  return name.replaceAll("_", "-");
}

/** An error of the bay, with its code and, where there is one, the mend. */
export class BayError extends Error {
  readonly code: ErrorName;
  readonly suggestion: string | undefined;

  constructor(code: ErrorName, message: string, suggestion?: string) {
    super(message);
    this.code = code;
    this.suggestion = suggestion;
  }
}

export function isBayError(error: unknown): error is BayError {
  return error instanceof BayError;
}
