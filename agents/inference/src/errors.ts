/** What a caller of the agent can have done wrong, or what failed; mapped to gRPC and HTTP statuses by the services. */
export type AgentErrorKind =
  | "not-found"
  | "invalid-argument"
  | "unavailable"
  | "aborted"
  | "not-supported"
  | "unauthenticated"
  | "too-large";

/** Numbered codes, stable for clients that log them. */
const codes: Record<AgentErrorKind, number> = {
  "not-found": 200,
  "invalid-argument": 201,
  unavailable: 202,
  aborted: 203,
  "not-supported": 204,
  unauthenticated: 205,
  "too-large": 206,
};

export class AgentError extends Error {
  readonly kind: AgentErrorKind;
  readonly code: number;

  constructor(kind: AgentErrorKind, message: string) {
    super(message);
    this.kind = kind;
    this.code = codes[kind];
  }
}

export function isAgentError(error: unknown): error is AgentError {
  return error instanceof AgentError;
}

/** An `invalid-argument`, the most frequent refusal. */
export function invalid(message: string): AgentError {
  return new AgentError("invalid-argument", message);
}
