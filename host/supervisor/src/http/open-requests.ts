import type { ServerResponse } from "node:http";
import type { Tokens } from "../auth/tokens.ts";

/** How often open requests are held against the tokens: a revoked token's streams end within a second. */
const LOOK_MS = 250;

/**
 * Requests that are open, by the token that they came with. A token that is revoked takes its streams, waits and held
 * leases with it: their connections are closed.
 */
export class OpenRequests {
  private readonly byToken = new Map<string, Set<ServerResponse>>();
  private readonly tokens: Tokens;
  private readonly timer: NodeJS.Timeout;

  constructor(tokens: Tokens) {
    this.tokens = tokens;
    this.timer = setInterval(() => this.look(), LOOK_MS);
    this.timer.unref();
  }

  add(token: string, response: ServerResponse): void {
    const open = this.byToken.get(token) ?? new Set();
    this.byToken.set(token, open);
    open.add(response);
    response.once("close", () => {
      open.delete(response);
      if (open.size === 0 && this.byToken.get(token) === open) this.byToken.delete(token);
    });
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private look(): void {
    for (const [token, open] of this.byToken) {
      if (this.tokens.login(token) === undefined) for (const response of open) response.destroy();
    }
  }
}
