import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { forwardPhases, type NodeSpec, SqliteJournal, work } from "@mltb/bench";
import { type Benchmark, type Figure, spread } from "./figure.ts";

const NODES = 20;
const RUNS = 5;
const BOARDS = 11;
/** Modelled device time of one step of a board. */
const DEVICE_MS = 60;

/** A run of nodes whose steps take `step_ms` of modelled device time; gives the wall time in ms and the steps. */
async function timed(
  journal: SqliteJournal,
  run_id: string,
  nodes: NodeSpec[],
  step_ms: number,
): Promise<{ ms: number; steps: number }> {
  const run = { run_id, experiment: "bench", folder: "", configuration: [] };
  await journal.create(run, { type: "submitted", workflow: { run_id, nodes } });
  let steps = 0;
  const effects = {
    async run(): Promise<{ output: unknown }> {
      steps += 1;
      if (step_ms > 0) await new Promise((resolve) => setTimeout(resolve, step_ms));
      return { output: undefined };
    },
  };
  const started = performance.now();
  await work(journal, effects, run_id, { signal: new AbortController().signal, pause: () => journal.pause() });
  return { ms: performance.now() - started, steps };
}

function node(id: string, after: string[], exclusive: string[]): NodeSpec {
  const phases = forwardPhases();
  return { id, service: "s", component: "c", after, phases, retries: 0, exclusive, parameters: {} };
}

/** What the controller, its worker and the SQLite journal cost beside the steps themselves. */
export const orchestrator: Benchmark = {
  name: "orchestrator",
  about: "the experiment controller with its SQLite journal: overhead of a step, boards side by side",
  async run() {
    const folder = mkdtempSync(join(tmpdir(), "mltb-bench-orchestrator-"));
    const journal = new SqliteJournal(join(folder, "experiments.sqlite"));
    try {
      const overhead: number[] = [];
      for (let n = 0; n < RUNS; n += 1) {
        const chain = Array.from({ length: NODES }, (_, i) => node(`n${i}`, i === 0 ? [] : [`n${i - 1}`], []));
        const { ms, steps } = await timed(journal, `chain-${n}`, chain, 0);
        overhead.push(ms / steps);
      }
      const speedup: number[] = [];
      for (let n = 0; n < 3; n += 1) {
        const boards = (shared: boolean): NodeSpec[] =>
          Array.from({ length: BOARDS }, (_, i) => node(`b${i}`, [], [shared ? "host" : `target:b${i}`]));
        const one = await timed(journal, `one-${n}`, boards(true), DEVICE_MS);
        const together = await timed(journal, `together-${n}`, boards(false), DEVICE_MS);
        speedup.push(one.ms / together.ms);
      }
      const benchmark = "orchestrator";
      const figures: Figure[] = [
        {
          benchmark,
          quantity: "overhead per step",
          ...spread(overhead),
          unit: "ms",
          count: `${NODES} nodes in a chain`,
        },
        {
          benchmark,
          quantity: `${BOARDS} boards side by side`,
          ...spread(speedup),
          unit: "times",
          count: `${DEVICE_MS} ms of device time a step`,
        },
      ];
      return figures;
    } finally {
      journal.close();
      rmSync(folder, { recursive: true });
    }
  },
};
