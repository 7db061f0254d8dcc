import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Benchmark, spread } from "./figure.ts";

const RUNS = 5;
const mltb = fileURLToPath(new URL("../../bin/mltb.mjs", import.meta.url));
const bay = fileURLToPath(new URL("../../../../examples/demo-bay.yml", import.meta.url));

/** Time from starting `mltb up` to its ready line, and from Ctrl-C to its end. */
async function once(): Promise<{ up_ms: number; down_ms: number }> {
  const state = mkdtempSync(join(tmpdir(), "mltb-bench-"));
  const started = performance.now();
  const child = spawn(
    process.execPath,
    [mltb, "up", "--bay", bay, "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--state", state, "--json"],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  await new Promise<void>((resolve, reject) => {
    child.stdout.once("data", () => resolve());
    child.once("exit", (code) => reject(new Error(`mltb up ended with ${code}`)));
  });
  const up_ms = performance.now() - started;
  child.removeAllListeners("exit");
  const stopping = performance.now();
  child.kill("SIGINT");
  await new Promise((resolve) => child.once("exit", resolve));
  const down_ms = performance.now() - stopping;
  rmSync(state, { recursive: true, force: true });
  return { up_ms, down_ms };
}

export const startTime: Benchmark = {
  name: "start",
  about: "start and stop of the demo bay",
  async run() {
    const up: number[] = [];
    const down: number[] = [];
    for (let i = 0; i < RUNS; i += 1) {
      const { up_ms, down_ms } = await once();
      up.push(up_ms);
      down.push(down_ms);
    }
    return [
      { benchmark: "start", quantity: "mltb up to its ready line", ...spread(up), unit: "ms" },
      { benchmark: "start", quantity: "SIGINT to the end, targets proved off", ...spread(down), unit: "ms" },
    ];
  },
};
