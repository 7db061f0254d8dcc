import { crc16 } from "../bytes/crc16.ts";
import { createSeal } from "./seal.ts";

export { createSeal, type Seal } from "./seal.ts";
export { SealFault } from "./seal-fault.ts";

/** The seal that a host uses. */
export const nodeSeal = createSeal(crc16);
