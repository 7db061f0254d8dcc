import { studentFactor } from "./student.ts";

const COVERAGE = 0.95;
const NORMAL_FACTOR = 1.96;

/**
 * 95 % interval of what positive values scatter round, with Student's t on a scale of logarithms: windows differ by factors.
 * Null of fewer than two values, or where one is 0.
 */
export function levelInterval(levels: number[]): [number, number] | null {
  const n = levels.length;
  if (n < 2 || levels.some((level) => !(level > 0))) return null;
  const values = levels.map(Math.log);
  const mean = values.reduce((a, b) => a + b, 0) / n;
  const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (n - 1);
  const half = studentFactor(COVERAGE, n - 1) * Math.sqrt(variance / n);
  return [Math.exp(mean - half), Math.exp(mean + half)];
}

/** 95 % interval of a share of a whole by Wilson's score (Journal of the American Statistical Association 22, 1927). */
export function shareInterval(count: number, total: number): [number, number] | null {
  if (total === 0) return null;
  const z2 = NORMAL_FACTOR ** 2;
  const p = count / total;
  const middle = (p + z2 / (2 * total)) / (1 + z2 / total);
  const half = (NORMAL_FACTOR * Math.sqrt((p * (1 - p)) / total + z2 / (4 * total ** 2))) / (1 + z2 / total);
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}
