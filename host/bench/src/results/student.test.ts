import { expect, test } from "vitest";
import { insideStudent, studentFactor } from "./student.ts";

test.each([
  [1, 12.706],
  [2, 4.303],
  [3, 3.182],
  [4, 2.776],
  [9, 2.262],
  [30, 2.042],
  [100, 1.984],
  [1000, 1.962],
])("with %d degrees of freedom 95 of 100 lie within %d (GUM, table G.2)", (degrees, factor) => {
  expect(studentFactor(0.95, degrees)).toBeCloseTo(factor, 3);
});

test("99 % are wider than 95 %, and nothing lies within nothing", () => {
  expect(studentFactor(0.99, 4)).toBeCloseTo(4.604, 3);
  expect(insideStudent(0, 5)).toBe(0);
  // Of one degree of freedom half lies within 1 (Cauchy's distribution).
  expect(insideStudent(1, 1)).toBeCloseTo(0.5, 12);
});
