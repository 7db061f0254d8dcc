/**
 * USB5744 hub, four ports of USB 3.1 generation 1 (Microchip DS00001855E). After its reset it waits for commands on SMBus
 * where its straps say so. Values as Linux' and U-Boot's onboard-hub drivers send them; no firmware of ours uses them yet.
 */
export const USB5744 = {
  address: 0x2d,
  ports: 4,
  /** 16-bit commands, most significant byte first, then a zero. */
  commands: { attach: 0xaa56, register_access: 0x9937 },
  /** RESET_N: least time low, and time until SMBus answers after it. */
  reset_low_us: 5,
  ready_ms: 5,
} as const;
