import { RateLimiterMemory } from "rate-limiter-flexible";
import { type Bad, refused } from "../call.ts";

/** Calls per second of one login, and of one address without a valid one, as over HTTP. */
export class CallLimits {
  private readonly logins: RateLimiterMemory;
  private readonly strangers: RateLimiterMemory;

  constructor(rates: { login: number; stranger: number }) {
    this.logins = new RateLimiterMemory({ points: rates.login, duration: 1 });
    this.strangers = new RateLimiterMemory({ points: rates.stranger, duration: 1 });
  }

  /** Counts a call; why it may not be made, undefined when it may. `peer`: `ipv4:HOST:PORT`, `ipv6:[HOST]:PORT`. */
  async refusal(user: string | undefined, peer: string): Promise<Bad | undefined> {
    const limiter = user === undefined ? this.strangers : this.logins;
    const key = user ?? peer.slice(0, peer.lastIndexOf(":"));
    try {
      await limiter.consume(key);
      return undefined;
    } catch (error) {
      // What is over its limit rejects with its state, which is no error.
      if (error instanceof Error) throw error;
      return refused("rate_limited", `more than ${limiter.points} calls in a second`, "wait a second");
    }
  }
}
