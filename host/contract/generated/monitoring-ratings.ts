/** Ratings of a channel. Generated from hardware/src by `npm run -s hardware -- docs`; do not edit. */
export const ratings = {
  rated_a: 2.8,
  hard_a: 2.95,
  inrush_a: 4,
  inrush_ms: 20,
} as const;
