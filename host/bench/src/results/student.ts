/** P[|T| <= t] of Student's distribution with whole degrees of freedom (Abramowitz and Stegun, 26.7.3 and 26.7.4). */
export function insideStudent(t: number, degrees: number): number {
  const angle = Math.atan(t / Math.sqrt(degrees));
  const [sin, square] = [Math.sin(angle), Math.cos(angle) ** 2];
  const odd = degrees % 2 === 1;
  let term = odd ? Math.cos(angle) : 1;
  let sum = degrees === 1 ? 0 : term;
  for (let k = odd ? 2 : 1; k <= degrees - 3; k += 2) {
    term *= (k / (k + 1)) * square;
    sum += term;
  }
  return odd ? (2 / Math.PI) * (angle + sin * sum) : sin * sum;
}

/** The factor t with P[|T| <= t] = coverage (GUM, table G.2). */
export function studentFactor(coverage: number, degrees: number): number {
  let low = 0;
  let high = 1;
  while (insideStudent(high, degrees) < coverage) high *= 2;
  for (let i = 0; i < 50; i += 1) {
    const middle = (low + high) / 2;
    if (insideStudent(middle, degrees) < coverage) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
