// npm run fuzz: damaged frames against the board's bundle and the host's session, seeded and resumable.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { buildBundle } from "@mltb/firmware";
import { Command, InvalidArgumentError } from "commander";
import { createFuzzer, emptyTally, type Tally } from "./round.ts";
import { allowedHeavy, verdict } from "./verdict.ts";

const SAVE_ROUNDS = 50;

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError("a whole number above 0, such as 1e8");
  return value;
}

const program = new Command("npm run fuzz --")
  .description("feeds damaged frames to both ends of the wire and judges what they do")
  .option("--bytes <n>", "damaged bytes in all", positive, 100_000_000)
  .option("--seed <n>", "seed of the run", positive, 1)
  .option("--state <file>", "where a run is kept, to be resumed by the same command", ".mltb/fuzz-SEED.json")
  .option("--fresh", "begin anew, whatever the state file holds")
  .option("--result <file>", "writes the sums there at the end")
  .option("--long", "the long form: the same, its result in docs/results/long-fuzz.json")
  .parse();
const options = program.opts<{
  bytes: number;
  seed: number;
  state: string;
  fresh?: boolean;
  result?: string;
  long?: boolean;
}>();
const state = resolve(options.state.replace("SEED", String(options.seed)));
const result = options.long === true ? "docs/results/long-fuzz.json" : options.result;

let stopped = false;
process.once("SIGINT", () => {
  stopped = true;
});

function load(): Tally {
  if (options.fresh === true || !existsSync(state)) return emptyTally();
  const saved = JSON.parse(readFileSync(state, "utf8")) as { seed: number; tally: Tally };
  if (saved.seed !== options.seed) {
    program.error(`error: ${state} belongs to seed ${saved.seed}; use --fresh or another --state`, { exitCode: 2 });
  }
  console.error(`resumed at round ${saved.tally.rounds}, ${saved.tally.bytes} bytes`);
  return saved.tally;
}

function save(tally: Tally): void {
  mkdirSync(dirname(state), { recursive: true });
  writeFileSync(state, `${JSON.stringify({ seed: options.seed, tally })}\n`);
}

const tally = load();
const fuzzer = await createFuzzer((await buildBundle("monitoring")).source, options.seed);
const started = performance.now();
while (tally.bytes < options.bytes && !stopped) {
  await fuzzer.round(tally, tally.rounds);
  if (tally.rounds % SAVE_ROUNDS !== 0) continue;
  save(tally);
  const share = ((100 * tally.bytes) / options.bytes).toFixed(1);
  console.error(`${share} %, ${tally.rounds} rounds, ${((performance.now() - started) / 1000).toFixed(0)} s`);
}
save(tally);
await fuzzer.close();
const wrong = verdict(tally);
const share = (kind: "guarantee" | "wire" | "heavy"): string =>
  `${tally.accepted[kind]} of ${tally.frames[kind]} accepted`;
console.log(`${tally.bytes} damaged bytes in ${tally.rounds} rounds, seed ${options.seed}`);
console.log(`inside the guarantee (1-3 flips, a burst of 16 bits, wrong length): ${share("guarantee")}`);
console.log(`on the wire, framing included: ${share("wire")}`);
console.log(`heavy: ${share("heavy")}, allowed ${allowedHeavy(tally.frames.heavy).toFixed(1)}`);
console.log(
  `outputs moved in ${tally.switched} rounds, no answer after ${tally.deaf}, errors in Lua ${tally.lua_errors}`,
);
console.log(`largest heap of the board ${tally.heap_peak_bytes} bytes`);
for (const text of wrong) console.error(`error: ${text}`);
if (result !== undefined && !stopped) {
  const document = {
    command: `npm run fuzz -- --bytes ${options.bytes} --seed ${options.seed}`,
    at: new Date().toISOString(),
    ...tally,
    wrong,
  };
  writeFileSync(resolve(result), `${JSON.stringify(document, null, 2)}\n`);
}
console.log(`\n${wrong.length === 0 ? "1 passed, 0 failed, 0 skipped" : "0 passed, 1 failed, 0 skipped"}`);
process.exitCode = stopped ? 130 : wrong.length === 0 ? 0 : 1;
