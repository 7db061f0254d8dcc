/** Seeded random numbers (mulberry32): the same seed gives the same parts and the same noise. */
export interface Random {
  /** Uniform in [0, 1). */
  uniform(): number;
  /** Uniform in [-half, half]. */
  rectangular(half: number): number;
  /** Normal with mean 0 (Box-Muller). */
  normal(sigma: number): number;
}

export function random(seed: number): Random {
  let state = seed >>> 0;
  let spare: number | undefined;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return {
    uniform,
    rectangular: (half) => (2 * uniform() - 1) * half,
    normal(sigma) {
      if (spare !== undefined) {
        const value = spare * sigma;
        spare = undefined;
        return value;
      }
      const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
      const angle = 2 * Math.PI * uniform();
      spare = radius * Math.sin(angle);
      return radius * Math.cos(angle) * sigma;
    },
  };
}
