/** What a caller of the agent can have done wrong, or what failed; mapped to gRPC statuses by the service. */
export type AgentErrorKind = "not-found" | "invalid-argument" | "unavailable" | "aborted";

/** Numbered codes, stable for clients that log them. */
const codes: Record<AgentErrorKind, number> = {
  "not-found": 200,
  "invalid-argument": 201,
  unavailable: 202,
  aborted: 203,
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
