import { insideStudent } from "./student.ts";

/** An independent contribution to a sum: standard deviation and shape; of Student's distribution `t` the scale. */
export interface Contribution {
  value: number;
  distribution: string;
  /** Of `t`. */
  degrees_of_freedom?: number;
}

/** Cells on each side of zero, in units of the combined standard deviation. */
const REACH = 6;
const CELLS_PER_UNIT = 100;
/** Cells that are taken together beside a contribution of Student's distribution, which smooths them. */
const TOGETHER = 5;
/** Steps of the search for the factor beside such a contribution. */
const HALVINGS = 24;

/**
 * Coverage factor k of a sum of independent contributions: the interval value +- k x u holds `coverage` of it. With one
 * large rectangular term k is near sqrt(3) x coverage, with many or normal ones near the normal factor, so that a fixed
 * k = 2 would cover too much or too little. The distribution of the sum is the convolution of the contributions
 * (JCGM 101:2008, 5.2), computed on a grid: rectangles by their running sum, normal ones together by their kernel. What was
 * estimated from n values that differ has Student's distribution with n - 1 degrees of freedom (JCGM 101:2008, 6.4.9); its
 * tails reach beyond any grid, and are added to the rest by its distribution function. At most one such contribution.
 */
export function coverageFactor(contributions: Contribution[], coverage: number): number {
  const combined = Math.hypot(...contributions.map(({ value }) => value));
  if (!(combined > 0)) return 2;
  const half = REACH * CELLS_PER_UNIT;
  let density = new Float64Array(2 * half + 1);
  density[half] = 1;
  let normal = 0;
  const student = contributions.find(({ value, distribution }) => distribution === "t" && value > 0);
  for (const { value, distribution } of contributions) {
    if (distribution === "t") continue;
    const cells = (value / combined) * CELLS_PER_UNIT;
    if (distribution === "rectangular") density = boxed(density, cells * Math.sqrt(3));
    else normal = Math.hypot(normal, cells);
  }
  if (normal > 0.3) density = smoothed(density, normal);
  if (student !== undefined)
    return besideStudent(density, student.value / combined, student.degrees_of_freedom ?? 1, coverage);
  let inside = density[half] as number;
  for (let k = 1; k <= half; k += 1) {
    const next = inside + (density[half - k] as number) + (density[half + k] as number);
    // Half of a cell lies beyond its middle.
    if (next >= coverage) return (k - 0.5 + (coverage - inside) / (next - inside)) / CELLS_PER_UNIT;
    inside = next;
  }
  return REACH;
}

/** The same with a contribution of Student's distribution of this scale, in units of the combined deviation, added to a density. */
function besideStudent(density: Float64Array, scale: number, degrees: number, coverage: number): number {
  const half = (density.length - 1) / 2;
  const places: { at: number; weight: number }[] = [];
  for (let low = 0; low < density.length; low += TOGETHER) {
    const cells = density.subarray(low, low + TOGETHER);
    const weight = cells.reduce((a, b) => a + b, 0);
    const moment = cells.reduce((sum, cell, i) => sum + cell * (low + i - half), 0);
    if (weight > 0) places.push({ at: moment / weight / CELLS_PER_UNIT, weight });
  }
  // The density is even: what lies below -k for one place lies above k for its mirror.
  const inside = (k: number): number =>
    places.reduce((sum, { at, weight }) => {
      const t = (k - at) / scale;
      return sum + weight * Math.sign(t) * insideStudent(Math.abs(t), degrees);
    }, 0);
  let low = 0;
  let high = 2;
  while (inside(high) < coverage) high *= 2;
  for (let i = 0; i < HALVINGS; i += 1) {
    const middle = (low + high) / 2;
    if (inside(middle) < coverage) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Convolution with a rectangle of this half width, in cells. */
function boxed(density: Float64Array, halfWidth: number): Float64Array<ArrayBuffer> {
  const n = density.length;
  if (halfWidth < 0.5) return Float64Array.from(density);
  // Sum of everything below a place, which may lie inside a cell; each cell reaches half a cell to both sides.
  const below = new Float64Array(n + 1);
  for (let i = 0; i < n; i += 1) below[i + 1] = (below[i] as number) + (density[i] as number);
  const upTo = (place: number): number => {
    const at = Math.max(0, Math.min(n, place + 0.5));
    const low = Math.min(n - 1, Math.floor(at));
    return (below[low] as number) + (at - low) * (density[low] as number);
  };
  return Float64Array.from(density, (_, i) => (upTo(i + halfWidth) - upTo(i - halfWidth)) / (2 * halfWidth));
}

/** Convolution with a normal kernel of this standard deviation, in cells. */
function smoothed(density: Float64Array, deviation: number): Float64Array<ArrayBuffer> {
  const reach = Math.min(density.length - 1, Math.ceil(REACH * deviation));
  const kernel = Float64Array.from({ length: 2 * reach + 1 }, (_, i) =>
    Math.exp(-(((i - reach) / deviation) ** 2) / 2),
  );
  const sum = kernel.reduce((a, b) => a + b, 0);
  return Float64Array.from(density, (_, i) => {
    let total = 0;
    const low = Math.max(0, i - reach);
    const high = Math.min(density.length - 1, i + reach);
    for (let j = low; j <= high; j += 1) total += (density[j] as number) * (kernel[j - i + reach] as number);
    return total / sum;
  });
}
