import type { Database } from "./database.ts";

const BLOCK = 1000;

/**
 * A number that only grows, also across restarts: blocks are written down before the first number of them is given out,
 * so that a restart jumps ahead by at most a block and never repeats one.
 */
export class GrowingNumber {
  private readonly database: Database;
  private readonly name: string;
  private reserved: number;
  private last: number;

  constructor(database: Database, name: string) {
    this.database = database;
    this.name = name;
    this.reserved = this.stored();
    this.last = this.reserved;
  }

  private stored(): number {
    const query = this.database.build.selectFrom("numbers").select("value").where("name", "=", this.name);
    return this.database.first(query)?.value ?? 0;
  }

  /** The stored number may have grown by other hands: goes on above it. */
  reload(): void {
    const stored = this.stored();
    if (stored <= this.reserved) return;
    this.reserved = stored;
    this.last = stored;
  }

  /** The next number. Throws `store_failed` where a new block cannot be written down. */
  next(): number {
    if (this.last >= this.reserved) {
      const value = this.reserved + BLOCK;
      this.database.run(
        this.database.build
          .insertInto("numbers")
          .values({ name: this.name, value })
          .onConflict((conflict) => conflict.column("name").doUpdateSet({ value })),
      );
      this.reserved = value;
    }
    this.last += 1;
    return this.last;
  }
}
