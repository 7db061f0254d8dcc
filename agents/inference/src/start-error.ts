/** Expected reasons for which an agent does not start; `kind` chooses the exit code. */
export class AgentStartError extends Error {
  readonly kind: "usage" | "unreachable";
  readonly suggestion: string | undefined;

  constructor(kind: "usage" | "unreachable", message: string, suggestion?: string) {
    super(message);
    this.kind = kind;
    this.suggestion = suggestion;
  }
}
