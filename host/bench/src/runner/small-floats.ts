/** A floating-point form of 16 bits: a sign, an exponent and a fraction, as IEEE 754 lays them out. */
export interface SmallFloat {
  exponent_bits: number;
  fraction_bits: number;
}

/** FP16. */
export const half: SmallFloat = { exponent_bits: 5, fraction_bits: 10 };
/** BF16: the upper half of a float32. */
export const shortened: SmallFloat = { exponent_bits: 8, fraction_bits: 7 };

const SIGN = 0x8000;
const view = new DataView(new ArrayBuffer(8));

/** The power of two below a number above 0, -1023 for the smallest ones. */
function exponentOf(size: number): number {
  view.setFloat64(0, size);
  return ((view.getUint32(0) >>> 20) & 0x7ff) - 1023;
}

/** To the nearest whole number, from halfway to the even one. */
function round(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}

/** The bits of the nearest value, the even one from halfway; infinity for what is too large. */
export function toBits(value: number, { exponent_bits, fraction_bits }: SmallFloat): number {
  const bias = 2 ** (exponent_bits - 1) - 1;
  const infinity = (2 ** exponent_bits - 1) << fraction_bits;
  if (Number.isNaN(value)) return infinity | (1 << (fraction_bits - 1));
  const sign = value < 0 || Object.is(value, -0) ? SIGN : 0;
  const size = Math.abs(value);
  // Below the smallest normal value the steps stay as they are.
  const exponent = Math.max(exponentOf(size), 1 - bias);
  if (exponent > bias) return sign | infinity;
  const steps = round(size / 2 ** (exponent - fraction_bits));
  // Steps that reach the next power of two carry into the exponent, and from the largest value into infinity.
  return sign | (((exponent + bias) << fraction_bits) + steps - (1 << fraction_bits));
}

/** The value of bits. */
export function fromBits(bits: number, { exponent_bits, fraction_bits }: SmallFloat): number {
  const bias = 2 ** (exponent_bits - 1) - 1;
  const sign = (bits & SIGN) === 0 ? 1 : -1;
  const exponent = (bits & (SIGN - 1)) >> fraction_bits;
  const fraction = bits & ((1 << fraction_bits) - 1);
  if (exponent === 2 ** exponent_bits - 1) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  const steps = exponent === 0 ? fraction : fraction + (1 << fraction_bits);
  return sign * steps * 2 ** (Math.max(exponent, 1) - bias - fraction_bits);
}
