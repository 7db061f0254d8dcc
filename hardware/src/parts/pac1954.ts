/**
 * PAC1954 power monitor, four channels (Microchip DS20006539). A refresh command latches results and begins anew. Only what
 * identifies the part and reads a port; no firmware of ours uses it yet.
 */
export const PAC1954 = {
  commands: { refresh: 0x00, product_id: 0xfd, manufacturer_id: 0xfe, revision_id: 0xff },
  product_id: 0x7b,
  manufacturer_id: 0x54,
  /** Full scales of 16-bit results, unipolar. */
  bus_full_scale_v: 32,
  shunt_full_scale_v: 0.1,
} as const;
