import fc from "fast-check";
import { expect, test } from "vitest";
import { AGEING_MS, type Lease, type LeaseRequest, LeaseTable, newLeaseId, type Waiter } from "./table.ts";

const TARGETS = ["a", "b", "c", "d"];
const NUM_RUNS = process.env["MLTB_LONG"] === "1" ? 20_000 : 300;

function request(targets: string[], priority: number, holder = ""): LeaseRequest {
  return { targets, holder, user: "u", ttl_ms: 60_000, priority, hold: false, experiment: false };
}

function tableOf(): LeaseTable {
  let ids = 0;
  let fences = 0;
  return new LeaseTable(
    () => `id-${++ids}`,
    () => ++fences,
  );
}

/** Ends a lease at once, and tells who has it afterwards. */
function next(table: LeaseTable, lease: Lease, now_ms: number): string[] {
  table.end(lease.id);
  for (const target of lease.targets) table.settled(target);
  return table.grant(now_ms).map(({ lease: granted }) => granted.holder);
}

test("an id of a lease can be typed behind a command: it never begins with a hyphen, and none comes twice", () => {
  const ids = Array.from({ length: 2_000 }, newLeaseId);
  for (const id of ids) expect(id).toMatch(/^[0-9a-z]{16,}$/);
  expect(new Set(ids).size).toBe(ids.length);
});

test("the higher priority comes first, and of equal ones the older", () => {
  const table = tableOf();
  table.enqueue(request(["a"], 0), 0);
  const [first] = table.grant(0);
  for (const [holder, priority] of [
    ["old", 3],
    ["young", 3],
    ["high", 4],
  ] as const) {
    table.enqueue(request(["a"], priority, holder), 10);
  }
  const order: string[] = [];
  let lease = first?.lease;
  for (let n = 0; n < 3; n += 1) {
    order.push(...next(table, lease as Lease, 20));
    lease = table.of("a");
  }
  expect(order).toEqual(["high", "old", "young"]);
});

test("ageing: a step of priority is worth 30 s of waiting, so that nobody starves behind requests of priority 9", () => {
  const table = tableOf();
  table.enqueue(request(["a"], 9), 0);
  table.grant(0);
  table.enqueue(request(["a"], 0, "patient"), 0);
  let now_ms = 0;
  let served: string[] = [];
  // Each second the lease ends, and another of priority 9 has just come.
  while (!served.includes("patient") && now_ms < 1_000_000) {
    now_ms += 1000;
    table.enqueue(request(["a"], 9, "urgent"), now_ms);
    served = next(table, table.of("a") as Lease, now_ms);
  }
  // As many as had come within the time that its priority is behind are before it, one a second.
  expect(now_ms).toBe(9 * AGEING_MS);
});

test("who waits for what is free is not held up by one whose turn is later: no time passes in which nobody looks", () => {
  const table = tableOf();
  table.enqueue(request(["a"], 0), 0);
  table.enqueue(request(["b"], 0), 0);
  const [, second] = table.grant(0).map(({ lease }) => lease);
  table.enqueue(request(["a", "b"], 0, "both"), 0);
  table.enqueue(request(["b"], 1, "one"), 10_000);
  // At 35 s both have the same whole number of steps; the one that is ahead by 20 s is served when its target is free.
  expect(next(table, second as Lease, 35_000)).toEqual(["one"]);
  expect(table.grant(90_000)).toEqual([]);
});

const step = fc.record({
  wait_ms: fc.integer({ min: 0, max: 40_000 }),
  act: fc.oneof(
    fc.record({
      ask: fc.uniqueArray(fc.constantFrom(...TARGETS), { minLength: 1, maxLength: 3 }),
      priority: fc.integer({ min: 0, max: 9 }),
    }),
    fc.record({ end: fc.nat(20) }),
    fc.record({ settle: fc.constantFrom(...TARGETS) }),
    fc.record({ leave: fc.nat(20) }),
  ),
});

test("any sequence: one lease a target, all of a request or none, growing fences, nobody before whose turn it is", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const table = tableOf();
      let now_ms = 0;
      let fence = 0;
      const turn = ({ request: { priority }, since_ms }: Waiter): number => since_ms - priority * AGEING_MS;
      for (const { wait_ms, act } of steps) {
        now_ms += wait_ms;
        if ("ask" in act) table.enqueue(request(act.ask, act.priority), now_ms);
        else if ("end" in act) table.end(table.all()[act.end]?.id ?? "");
        else if ("settle" in act) table.settled(act.settle);
        else {
          const gone = table.queue()[act.leave];
          if (gone !== undefined) table.withdraw(gone);
        }
        const ending = TARGETS.filter((target) => table.isEnding(target));
        const before = [...table.queue()];
        const granted = table.grant(now_ms);
        for (const { lease, waiter } of granted) {
          expect(lease.fence).toBeGreaterThan(fence);
          fence = lease.fence;
          for (const target of lease.targets) {
            expect(ending).not.toContain(target);
            expect(table.of(target)).toBe(lease);
          }
          // Whoever was ahead and wanted one of the targets has been served too.
          for (const other of before) {
            const ahead = turn(other) < turn(waiter) || (turn(other) === turn(waiter) && other.order < waiter.order);
            if (ahead) expect(other.request.targets.some((t) => waiter.request.targets.includes(t))).toBe(false);
          }
        }
        const held = table.all().flatMap(({ targets }) => targets);
        expect(new Set(held).size).toBe(held.length);
        // Nobody is left waiting who could be served: the first in turn of those that are left lacks a target.
        const left = [...table.queue()].sort((a, b) => turn(a) - turn(b) || a.order - b.order);
        const claimed = new Set<string>();
        for (const { request: wanted } of left) {
          expect(wanted.targets.some((t) => held.includes(t) || table.isEnding(t) || claimed.has(t))).toBe(true);
          for (const target of wanted.targets) claimed.add(target);
        }
      }
    }),
    { numRuns: NUM_RUNS, seed: 6 },
  );
});
