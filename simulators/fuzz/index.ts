/** Fuzzing of both ends of the wire: the door for the command that runs it. */
export { createFuzzer, type Fuzzer, type FuzzerOptions } from "./round.ts";
export { emptyTally, type Tally } from "./tally.ts";
export { allowedHeavy, verdict } from "./verdict.ts";
