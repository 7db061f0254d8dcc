import { idiv, slice } from "#platform";

/** Digits of a non-negative integer, without the ".0" that a float would print. */
export function digits(value: number): string {
  let rest = idiv(value, 1);
  if (rest === 0) return "0";
  let text = "";
  while (rest > 0) {
    const next = idiv(rest, 10);
    text = `${slice("0123456789", rest - next * 10, rest - next * 10 + 1)}${text}`;
    rest = next;
  }
  return text;
}

/** Thousandths as a decimal number: 5012 is "5.012". */
export function thousandths(value: number): string {
  const positive = value < 0 ? -value : value;
  const whole = idiv(positive, 1000);
  const part = digits(positive - whole * 1000 + 1000);
  return `${value < 0 ? "-" : ""}${digits(whole)}.${slice(part, 1, 4)}`;
}

/** Cuts a text to a width; the mark says that something is missing. */
export function fit(text: string, width: number): string {
  return text.length <= width ? text : `${slice(text, 0, width - 1)}~`;
}
