import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Bay } from "@mltb/contract";
import { afterAll, expect, test } from "vitest";
import type { Experiment } from "../configurator/types.ts";
import { finished, type RunState, replay } from "../orchestrator/machine.ts";
import { SqliteJournal } from "../orchestrator/sqlite-journal.ts";
import { work } from "../orchestrator/worker.ts";
import type { RunEvent } from "../orchestrator/workflow.ts";
import { uniform } from "../random.ts";
import { Boards } from "./boards.ts";
import { runEffects } from "./effects.ts";
import { Life, ModelledBay } from "./modelled-bay.ts";
import { planRun } from "./plan.ts";

const SCHEDULES = process.env["MLTB_LONG"] === undefined ? 40 : 1000;
const targets = ["a", "b", "c"];

const folder = mkdtempSync(join(tmpdir(), "mltb-crashes-"));
const journal = new SqliteJournal(join(folder, "experiments.sqlite"));
afterAll(() => {
  journal.close();
  rmSync(folder, { recursive: true, force: true });
});

const racks = targets.map((name, n) => ({
  rack: `rack${n}`,
  board: { name: `monitor${n}`, kind: "monitoring", link: `/dev/ttyACM${n}` },
  targets: [{ target: name, channel: 1, agent: { runtime: "ort" } }],
}));
const experiment: Experiment = {
  name: "crashes",
  file: "crashes.yml",
  bayFile: "bay.yml",
  bay: { bay: "modelled", racks } as unknown as Bay,
  targets,
  models: [
    { name: "first", generate: "ds-cnn-kws" },
    { name: "second", generate: "ds-cnn-kws" },
  ],
  measure: { scenario: "single-stream", warmup: 0, windows: 1, window_s: 1, seed: 1 } as Experiment["measure"],
};

interface Outcome {
  bay: ModelledBay;
  state: RunState;
  lives: number;
  /** The last life of the process that did not know of the cancellation when it began. */
  cancelled: number | undefined;
}

/** A run with its real worker, journal and boards' rules, whose process dies again and again and is started anew. */
async function schedule(
  seed: number,
  change: (bay: ModelledBay, random: () => number) => void,
  cancelling = false,
): Promise<Outcome> {
  const random = uniform(seed);
  const bay = new ModelledBay();
  for (const name of targets) bay.boards.set(name, { power: "off", policy: "off", stuck: false, lease: undefined });
  change(bay, random);
  const run_id = `crashes-${seed}`;
  const submitted: RunEvent = { type: "submitted", workflow: planRun(run_id, [experiment]) };
  await journal.create({ run_id, experiment: "crashes", folder, configuration: [experiment] }, submitted);
  const cancelAfter = cancelling ? Math.floor(random() * 3) : -1;
  let cancelled: number | undefined;
  for (let number = 0; ; number += 1) {
    // The last lives are long, so that the run comes to its end.
    const life = new Life(bay, number, () => number < 12 && random() < 0.03);
    const ports = life.ports();
    const note = (): void => undefined;
    const boards = new Boards(ports, `run ${run_id}`, note);
    const effects = runEffects({
      ports,
      boards,
      experiments: [experiment],
      folder,
      note,
      parameters: () => Promise.resolve({}),
    });
    const options = {
      signal: new AbortController().signal,
      pause: () =>
        life.call(async () => {
          const now = replay(await journal.read(run_id, 0));
          const held = [...now.nodes.values()].find(({ hold }) => hold !== undefined);
          if (held !== undefined && random() < 0.3)
            await journal.add(run_id, { type: "resumed", node: held.spec.id, author: "tester" });
          await new Promise((resolve) => setTimeout(resolve, 1));
        }),
    };
    const state = await Promise.race([work(life.journal(journal), effects, run_id, options), life.death]);
    if (state !== undefined) return { bay, state, lives: number + 1, cancelled };
    // It may have died behind its last event.
    if (number === cancelAfter && !finished(replay(await journal.read(run_id, 0)))) {
      await journal.add(run_id, { type: "cancelled", reason: "enough", author: "tester" });
      cancelled = number;
    } else if (random() < 0.3) {
      const node = `0/measure/${targets[Math.floor(random() * targets.length)]}/first`;
      // It may be over already.
      await journal.add(run_id, { type: "held", node, reason: "look", author: "tester" }).catch(() => undefined);
    }
  }
}

/** Every board whose switch opens is off, and nobody has it; of the others it is said that they may not be safe. */
function expectSafe({ bay, state }: Outcome, seed: number): void {
  expect(finished(state)).toBe(true);
  for (const [name, board] of bay.boards) {
    const node = state.nodes.get(`board/${name}`);
    const touched = bay.told.some(({ target }) => target === name);
    if (!board.stuck) expect([seed, name, board.power, board.lease]).toEqual([seed, name, "off", undefined]);
    if (node?.entered && touched) expect([seed, name, node.unsafe !== undefined]).toEqual([seed, name, board.stuck]);
  }
}

test(`${SCHEDULES} runs whose process dies at any call: no board is told twice what it has done, every board is off, all is measured`, async () => {
  let lives = 0;
  let again = 0;
  for (let seed = 1; seed <= SCHEDULES; seed += 1) {
    const outcome = await schedule(seed, (bay, random) => {
      for (const board of bay.boards.values()) board.policy = random() < 0.5 ? "keep" : "off";
    });
    const { bay, state } = outcome;
    expectSafe(outcome, seed);
    expect([seed, bay.told.filter(({ idle }) => idle)]).toEqual([seed, []]);
    for (const node of state.nodes.values())
      expect([seed, node.spec.id, node.failure]).toEqual([seed, node.spec.id, undefined]);
    for (const [name, { policy }] of bay.boards) {
      const ons = bay.told.filter(({ target, state: to }) => target === name && to === "on");
      // A board that keeps its power is switched on once, whoever comes after.
      if (policy === "keep") expect([seed, name, ons.length]).toEqual([seed, name, 1]);
      else again += ons.length - 1;
    }
    lives += outcome.lives;
  }
  expect(lives).toBeGreaterThan(SCHEDULES * 3);
  // Boards that had lost their power with their lease were switched on again.
  expect(again).toBeGreaterThan(0);
}, 1_800_000);

test(`${SCHEDULES / 4} runs that are cancelled while their process is dead: nothing is switched on or measured again, every board is off`, async () => {
  let cancelled = 0;
  for (let seed = 10_001; seed <= 10_000 + SCHEDULES / 4; seed += 1) {
    const outcome = await schedule(
      seed,
      (bay) => {
        for (const board of bay.boards.values()) board.policy = "keep";
      },
      true,
    );
    expectSafe(outcome, seed);
    const last = outcome.cancelled;
    if (last === undefined) continue;
    cancelled += 1;
    expect([seed, outcome.bay.told.filter(({ state, life }) => state === "on" && life > last)]).toEqual([seed, []]);
    expect([seed, outcome.bay.measured.filter(({ life }) => life > last)]).toEqual([seed, []]);
    expect([seed, outcome.bay.told.filter(({ idle }) => idle)]).toEqual([seed, []]);
  }
  expect(cancelled).toBeGreaterThan(SCHEDULES / 8);
}, 1_800_000);

test("a board whose switch does not open is told to be unsafe after a crash, whatever the end of a lease does", async () => {
  for (const [seed, policy] of [
    [20_001, "keep"],
    [20_002, "off"],
  ] as const) {
    const outcome = await schedule(seed, (bay) => {
      bay.boards.set("b", { power: "off", policy, stuck: true, lease: undefined });
    });
    expectSafe(outcome, seed);
    expect(outcome.state.nodes.get("board/b")?.unsafe).toMatch(/off was not confirmed/);
  }
}, 60_000);

test("a board that somebody else leased after the process died is not taken for safe, and not touched", async () => {
  const bay = new ModelledBay();
  bay.boards.set("a", { power: "on", policy: "keep", stuck: false, lease: undefined });
  const other = new Life(bay, 0, () => false);
  bay.lease("a", "somebody else", other);
  const boards = new Boards(new Life(bay, 1, () => false).ports(), "run", () => undefined);
  await expect(boards.release("a", "run/board/a/deinit/1", true)).rejects.toThrow(
    /not known to be off: .* a is leased by somebody else/,
  );
  // What this run never had is not its to bring down.
  await boards.release("a", "run/board/a/deinit/1", false);
  expect(bay.told).toEqual([]);
  bay.end("a");
  await boards.release("a", "run/board/a/deinit/2", true);
  expect(bay.board("a")).toMatchObject({ power: "off", lease: undefined });
});
