/** Why bytes between two delimiters were not sealed by anybody. */
export const SealFault = { cobs: 1, short: 2, crc: 3 } as const;
