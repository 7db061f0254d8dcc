import { expect, test } from "vitest";
import { coverageFactor } from "./coverage.ts";

const rectangular = (value: number) => ({ value, distribution: "rectangular" });
const normal = (value: number) => ({ value, distribution: "normal" });

test.each([
  ["one normal term: 1.960", [normal(3)], 1.96],
  ["two normal terms are one", [normal(3), normal(4)], 1.96],
  // P(|x| <= k u) = k / sqrt(3) of a rectangle.
  ["one rectangle: 0.95 sqrt(3)", [rectangular(7)], 1.6454],
  // Triangle of half width 2a: 1 - (1 - x / 2a)^2 = 0.95 at x = 2a (1 - sqrt(0.05)); u = a sqrt(2/3).
  ["two equal rectangles: a triangle", [rectangular(1), rectangular(1)], 2 * (1 - Math.sqrt(0.05)) * Math.sqrt(1.5)],
  ["a small normal term beside a rectangle changes little", [rectangular(10), normal(0.1)], 1.6455],
])("%s", (_name, terms, expected) => {
  expect(coverageFactor(terms, 0.95)).toBeCloseTo(expected, 2);
});

test("a term of few values has Student's factor alone, and beside others the factor of their sum", () => {
  const t = (value: number, degrees_of_freedom: number) => ({ value, distribution: "t", degrees_of_freedom });
  expect(coverageFactor([t(3, 4)], 0.95)).toBeCloseTo(2.776, 2);
  expect(coverageFactor([t(3, 1)], 0.95)).toBeCloseTo(12.706, 1);
  expect(coverageFactor([t(0, 1), normal(1)], 0.95)).toBeCloseTo(1.96, 2);
  // With many degrees of freedom it is a normal one.
  expect(coverageFactor([t(3, 2000), normal(4)], 0.95)).toBeCloseTo(1.96, 2);
  const mixed = coverageFactor([t(1, 2), normal(1)], 0.95);
  expect(mixed).toBeGreaterThan(1.96);
  expect(mixed).toBeLessThan(4.303);
});

test("terms of zero change nothing, and nothing at all is not covered by a number that is not one", () => {
  expect(coverageFactor([normal(1), rectangular(0)], 0.95)).toBeCloseTo(1.96, 2);
  expect(coverageFactor([rectangular(0)], 0.95)).toBe(2);
});
