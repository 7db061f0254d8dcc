/** Measurements of whole boards: the door for `npm run bench`; tests use the same files. */

export { rp2040Image } from "../rungs.ts";
export { hardOverCurrents, tripPaths } from "./over-current.ts";
export { highestRate, samplingCarriers } from "./sampling-rate.ts";
