// npm run fuzz: damaged frames against the board's bundle and the host's session, seeded and resumable.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { buildBundle } from "@mltb/firmware";
import { allowedHeavy, createFuzzer, emptyTally, type Tally, verdict } from "@mltb/simulators/fuzz";
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

function load(state: string, options: Options, note: (text: string) => void): Tally {
  if (options.fresh === true || !existsSync(state)) return emptyTally();
  const saved = JSON.parse(readFileSync(state, "utf8")) as { seed: number; tally: Tally };
  if (saved.seed !== options.seed) {
    throw cliError(Exit.usage, "seed", `${state} belongs to seed ${saved.seed}`, "use --fresh or another --state");
  }
  note(`resumed at round ${saved.tally.rounds}, ${saved.tally.bytes} bytes`);
  // A state of an earlier build may lack sums that came later.
  return { ...emptyTally(), ...saved.tally };
}

const program = createProgram("0.1.0").name("npm run fuzz --");
program
  .description("feed damaged frames to both ends of the wire and judge what they do")
  .option("--bytes <n>", "damaged bytes in all", parseCount, 100_000_000)
  .option("--seed <n>", "seed of the run", parseCount, 1)
  .option("--state <file>", "where a run is kept, to be resumed by the same command", ".mltb/fuzz-SEED.json")
  .option("--fresh", "begin anew, whatever the state file holds")
  .option("--long", `begin anew and leave the sums in ${LONG_RESULT}`)
  .action(
    action(async (context, options: Options) => {
      const state = resolve(options.state.replace("SEED", String(options.seed)));
      const tally = load(state, { ...options, fresh: options.fresh === true || options.long === true }, context.note);
      const save = (): void => {
        mkdirSync(dirname(state), { recursive: true });
        writeFileSync(state, `${JSON.stringify({ seed: options.seed, tally })}\n`);
      };
      const fuzzer = await createFuzzer((await buildBundle("monitoring")).source, options.seed);
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
      if (options.long === true) {
        const command = `npm run fuzz -- --long --bytes ${options.bytes} --seed ${options.seed}`;
        writeFileSync(
          LONG_RESULT,
          `${JSON.stringify({ command, at: new Date().toISOString(), ...tally, wrong }, null, 2)}\n`,
        );
      }
      for (const text of wrong) context.note(`error: ${text}`);
      context.print({ seed: options.seed, ...tally, wrong }, () => report(options.seed, tally, wrong.length));
      return wrong.length === 0 ? Exit.done : Exit.bad;
    }),
  );
await runProgram(program, process.argv);

function report(seed: number, tally: Tally, wrong: number): string {
  const share = (kind: "guarantee" | "wire" | "heavy"): string =>
    `${tally.accepted[kind]} of ${tally.frames[kind]} accepted`;
  return [
    `${tally.bytes} damaged bytes in ${tally.rounds} rounds, seed ${seed}`,
    `inside the guarantee (1-3 flips, a burst of 16 bits, wrong length): ${share("guarantee")}`,
    `on the wire, framing included: ${share("wire")}`,
    `heavy: ${share("heavy")}, allowed ${allowedHeavy(tally.frames.heavy).toFixed(1)}`,
    `outputs moved in ${tally.switched} rounds, no answer after ${tally.deaf}, other frames in ${tally.misframed}, errors in Lua ${tally.lua_errors}`,
    `largest heap of the board ${tally.heap_peak_bytes} bytes`,
    "",
    wrong === 0 ? "1 passed, 0 failed, 0 skipped" : "0 passed, 1 failed, 0 skipped",
  ].join("\n");
}
