/** INA240A1 current-sense amplifier (Texas Instruments SBOS662): 20 V/V, common mode -4 V to 80 V. */
export const INA240A1 = { gain: 20, gain_error: 0.002, offset_v: 0.000025, common_mode_v: [-4, 80] } as const;

/** ADS131M08 converter (Texas Instruments SBAS950), 16-bit words, gain 1. */
export const ADS131M08 = { full_scale_v: 1.2, full_scale_code: 32768, channels: 8 } as const;
