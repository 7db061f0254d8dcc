// npm run fuzz: damaged frames against the board's bundle and the host's session, seeded and resumable.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { buildBundle, type Provenance, provenance } from "@mltb/firmware";
import { buildCodecWasm, buildLuaWasm, missingWasmPackages } from "@mltb/firmware/images";
import { allowedHeavy, createFuzzer, emptyTally, type FuzzerOptions, type Tally, verdict } from "@mltb/simulators/fuzz";
import { cliError, Exit } from "./errors.ts";
import { action, createProgram, parseCount, runProgram } from "./program.ts";

const SAVE_ROUNDS = 50;
const LONG_RESULT = "docs/results/long-fuzz.json";

interface Options {
  bytes: number;
  seed: number;
  state: string;
  fresh?: boolean;
  long?: boolean;
}

/** What a state file holds: the sums, and what they were taken of. */
interface Saved {
  seed: number;
  of?: Provenance;
  in_c?: boolean;
  tally: Tally;
}

/** Sums of other sources say nothing about today's. The commit may differ, and the supervisor, which takes no part. */
function sameSources(a: Provenance | undefined, b: Provenance): boolean {
  const { commit: _a, changed: _b, supervisor_sha256: _c, ...wanted } = b;
  return a !== undefined && Object.entries(wanted).every(([name, hash]) => a[name as keyof Provenance] === hash);
}

function read(state: string): Saved {
  try {
    return JSON.parse(readFileSync(state, "utf8")) as Saved;
  } catch (error) {
    const message = `${state}: ${(error as Error).message}`;
    throw cliError(Exit.usage, "state", message, "use --fresh or another --state");
  }
}

/** The sums that the run goes on from; it says why it begins anew where it does. */
function load(state: string, options: Options, of: Provenance, in_c: boolean, note: (text: string) => void): Tally {
  if (options.fresh === true || options.long === true || !existsSync(state)) return emptyTally();
  const saved = read(state);
  if (saved.seed !== options.seed) {
    throw cliError(Exit.usage, "seed", `${state} belongs to seed ${saved.seed}`, "use --fresh or another --state");
  }
  const anew = (why: string): Tally => {
    note(`${why}; the run begins anew`);
    return emptyTally();
  };
  if (!sameSources(saved.of, of)) return anew(`${state} is of other sources`);
  if (saved.in_c !== in_c) return anew(`${state} was made ${in_c ? "without" : "with"} the receiving end in C`);
  if (saved.tally.bytes >= options.bytes) return anew(`${state} holds a finished run of ${saved.tally.bytes} bytes`);
  note(`resumed at round ${saved.tally.rounds}, ${saved.tally.bytes} bytes`);
  return saved.tally;
}

/** The board's receiving end in C, where it can be built. */
async function receivingEndInC(note: (text: string) => void): Promise<FuzzerOptions["c"]> {
  const missing = missingWasmPackages();
  if (missing.length > 0) {
    note(`the receiving end in C is left out: apt-get install ${missing.join(" ")}`);
    return undefined;
  }
  const { source: codecBundle } = await buildBundle("codec");
  return { codec: await buildCodecWasm(), lua: await buildLuaWasm("i64"), codecBundle };
}

const program = createProgram("0.1.0").name("npm run fuzz --");
program
  .description("feed damaged frames to both ends of the wire and judge what they do")
  .option("--bytes <n>", "damaged bytes in all", parseCount, 100_000_000)
  .option("--seed <n>", "seed of the run", parseCount, 1)
  .option(
    "--state <file>",
    "where a run is kept, to be resumed by the same command while the sources are the same",
    ".mltb/fuzz-SEED.json",
  )
  .option("--fresh", "begin anew, whatever the state file holds")
  .option("--long", `begin anew and leave the sums in ${LONG_RESULT}`)
  .action(
    action(async (context, options: Options) => {
      const state = resolve(options.state.replace("SEED", String(options.seed)));
      const of = await provenance();
      const c = await receivingEndInC(context.note);
      const in_c = c !== undefined;
      const tally = load(state, options, of, in_c, context.note);
      const save = (): void => {
        mkdirSync(dirname(state), { recursive: true });
        writeFileSync(state, `${JSON.stringify({ seed: options.seed, of, in_c, tally } satisfies Saved)}\n`);
      };
      const fuzzer = await createFuzzer({ bundle: (await buildBundle("monitoring")).source, seed: options.seed, c });
      const started = performance.now();
      while (tally.bytes < options.bytes && !context.signal.aborted) {
        await fuzzer.round(tally, tally.rounds);
        if (tally.rounds % SAVE_ROUNDS !== 0) continue;
        save();
        const share = ((100 * tally.bytes) / options.bytes).toFixed(1);
        context.note(`${share} %, ${tally.rounds} rounds, ${((performance.now() - started) / 1000).toFixed(0)} s`);
      }
      save();
      await fuzzer.close();
      if (context.signal.aborted) {
        context.note(`interrupted; the same command goes on from round ${tally.rounds}`);
        return Exit.interrupted;
      }
      const wrong = verdict(tally);
      if (options.long === true) keep(options, { of, in_c, ...tally, wrong }, context.note);
      for (const text of wrong) context.note(`error: ${text}`);
      context.print({ seed: options.seed, of, in_c, ...tally, wrong }, () => report(options.seed, tally, wrong.length));
      return wrong.length === 0 ? Exit.done : Exit.bad;
    }),
  );
await runProgram(program, process.argv);

/** Leaves the long form's sums where the repository keeps them; a run that proves nothing leaves none. */
function keep(
  options: Options,
  sums: Tally & { of: Provenance; in_c: boolean; wrong: string[] },
  note: (text: string) => void,
): void {
  if (sums.wrong.length > 0 || !sums.in_c) {
    note(`${LONG_RESULT} stays as it is: ${sums.in_c ? "something is wrong" : "the receiving end in C was left out"}`);
    return;
  }
  const command = `npm run fuzz -- --long --bytes ${options.bytes} --seed ${options.seed}`;
  writeFileSync(LONG_RESULT, `${JSON.stringify({ command, at: new Date().toISOString(), ...sums }, null, 2)}\n`);
}

function report(seed: number, tally: Tally, wrong: number): string {
  const share = (kind: "guarantee" | "wire" | "heavy"): string =>
    `${tally.accepted[kind]} of ${tally.frames[kind]} accepted`;
  return [
    `${tally.bytes} damaged bytes in ${tally.rounds} rounds, ${tally.rounds_in_c} of them against deframer and bodies in C, seed ${seed}`,
    `inside the guarantee (1-3 flips, a burst of 16 bits, wrong length): ${share("guarantee")}`,
    `on the wire, framing included: ${share("wire")}`,
    `heavy: ${share("heavy")}, allowed ${allowedHeavy(tally.frames.heavy).toFixed(1)}`,
    `outputs moved in ${tally.switched} rounds, no answer after ${tally.deaf}, none to the old host after ${tally.host_hung}, other frames in ${tally.misframed}, errors in Lua ${tally.lua_errors}`,
    `the board took other frames for good than it was sent in ${tally.board_miscounted} rounds`,
    `C and TypeScript: other frames or counters in ${tally.misframed_in_c} rounds, other fields in ${tally.bodies_apart} of ${tally.bodies} bodies`,
    `largest heap of the board ${tally.heap_peak_bytes} bytes, what lives in it grew by ${tally.board_growth_bytes}; the host's own heap grew by ${tally.host_growth_bytes} bytes`,
    "",
    wrong === 0 ? "1 passed, 0 failed, 0 skipped" : "0 passed, 1 failed, 0 skipped",
  ].join("\n");
}
