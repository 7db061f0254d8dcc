/** Fuzzing of both ends of the wire: the door for the command that runs it. */
export { createFuzzer, emptyTally, type Fuzzer, type Tally } from "./round.ts";
export { allowedHeavy, verdict } from "./verdict.ts";
