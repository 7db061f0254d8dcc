import { BayError } from "@mltb/contract";

/** Work of which a few pieces run at a time and a bounded number waits its turn, in the order of arrival. */
export class Turns {
  private running = 0;
  private readonly waiting: (() => void)[] = [];
  private readonly limits: { running: number; waiting: number };
  private readonly what: string;

  /** @param what is asked for too often, for the refusal */
  constructor(limits: { running: number; waiting: number }, what: string) {
    this.limits = limits;
    this.what = what;
  }

  /** Does a piece of work when its turn comes; throws `busy` where too many wait already. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.running < this.limits.running) this.running += 1;
    else if (this.waiting.length < this.limits.waiting) {
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    } else {
      const { running, waiting } = this.limits;
      throw new BayError("busy", `${running + waiting} requests for ${this.what} are under way`, "try again later");
    }
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.running -= 1;
      else next();
    }
  }
}
