import { BayError } from "@mltb/contract";
import { beforeEach, expect, test } from "vitest";
import { type Bad, policyCaller } from "../call.ts";
import { LeaseQueue } from "./queue.ts";
import { type Lease, LeaseTable } from "./table.ts";

const clock = { mono: () => 0, wall: () => 0 };
const full = (): BayError => new BayError("store_failed", "the disk is full");

let table: LeaseTable;
let queue: LeaseQueue;
/** Fences that can be had, and holders whose leases cannot be written down. */
let fences: number;
let unwritten: string[];

beforeEach(() => {
  let last = 0;
  let ids = 0;
  fences = Number.POSITIVE_INFINITY;
  unwritten = [];
  table = new LeaseTable(
    () => `id-${++ids}`,
    () => {
      if (last >= fences) throw full();
      return ++last;
    },
  );
  queue = new LeaseQueue(table, clock, {
    grant(lease) {
      if (!unwritten.includes(lease.holder)) return;
      end(lease);
      throw full();
    },
    refused: () => undefined,
  });
});

function end(lease: Lease): void {
  table.end(lease.id);
  for (const target of lease.targets) table.settled(target);
}

type Outcome = Lease | Bad | string;

/** Asks for targets; what becomes of that, as far as it is known. */
function ask(holder: string, targets: string[], wait_ms = 60_000): () => Outcome {
  let outcome: Outcome = "waits";
  const request = { targets, holder, user: "u", ttl_ms: 60_000, priority: 0, hold: false, experiment: false };
  queue.acquire(policyCaller("test"), request, wait_ms, new AbortController().signal).then(
    (lease) => (outcome = lease),
    (error: BayError) => (outcome = error.code),
  );
  return () => outcome;
}

const told = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("full-disk: a lease that cannot be written down is not given, and who waits behind it is served at once", async () => {
  const first = ask("first", ["a"]);
  await told();
  const [second, third, fourth] = ["second", "third", "fourth"].map((holder) => ask(holder, ["a"])) as [
    () => Outcome,
    () => Outcome,
    () => Outcome,
  ];
  unwritten = ["second", "third"];
  end(first() as Lease);
  queue.serve();
  await told();
  expect([second(), third()]).toEqual(["store_failed", "store_failed"]);
  expect(fourth()).toMatchObject({ holder: "fourth" });
  expect(table.of("a")).toBe(fourth());
});

test("full-disk: where there are fences for some, they get their leases, and the others learn that there is none", async () => {
  const both = ask("both", ["a", "b", "c"]);
  await told();
  const [one, two, three] = ["a", "b", "c"].map((target) => ask(`of ${target}`, [target])) as [
    () => Outcome,
    () => Outcome,
    () => Outcome,
  ];
  fences = 2;
  end(both() as Lease);
  queue.serve();
  await told();
  expect(one()).toMatchObject({ holder: "of a", fence: 2 });
  expect([two(), three()]).toEqual(["store_failed", "store_failed"]);
  expect(table.all()).toEqual([one()]);
  expect(queue.waiting()).toEqual([]);
});
