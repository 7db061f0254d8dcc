import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bringUp, type RunningBay } from "../bay/bring-up.ts";
import { silentSteps } from "../output/steps.ts";
import { connectClient } from "./fleet.ts";

const bayFile = fileURLToPath(new URL("../../../../examples/demo-bay.yml", import.meta.url));
const RUNS = 50;
/** The rail with the least behind it, and the one with the most. */
const TARGETS = { "spare-3": "no further capacitance", "spare-8": "2,200 uF, 5 W" };

/** Times from the publish of a command to `done`, in ms. */
export interface SettledTimes {
  quantity: string;
  times: number[];
}

/** A client of the bay's broker that switches a target; gives how long it took until `done`. Throws on any other end. */
async function switcher({ bay, state }: RunningBay) {
  const password = readFileSync(state.mqtt_password_file, "utf8").trim();
  const client = await connectClient(state.mqtt, state.mqtt_user, password);
  const topic = (kind: string, rest: string): string => `mltb/v1/${bay.bay}/${kind}/${state.mqtt_user}/${rest}`;
  await client.subscribeAsync(topic("ans", "#"), { qos: 1 });
  let told: (id: string, status: string) => void = () => undefined;
  client.on("message", (_topic, payload) => {
    const { id, status } = JSON.parse(payload.toString()) as { id: string; status: string };
    told(id, status);
  });
  return {
    power(target: string, to: "on" | "off", id: string): Promise<number> {
      const started = performance.now();
      return new Promise((resolve, reject) => {
        told = (of, status) => {
          if (of !== id || status === "accepted") return;
          if (status === "done") resolve(performance.now() - started);
          else reject(new Error(`${to} of ${target} ended with ${status}`));
        };
        client.publish(topic("cmd", `target/${target}/power`), JSON.stringify({ id, args: { state: to } }), { qos: 1 });
      });
    },
    end: () => client.endAsync(),
  };
}

/**
 * Publish to `done` where the board proves what it did: its bundle runs in real time over simulated electronics whose rails
 * rise and discharge. Client, supervisor, board and rails share this process.
 *
 * @param runs how often each target is switched on and off
 */
export async function settledDone(runs = RUNS): Promise<SettledTimes[]> {
  const stateDir = mkdtempSync(join(tmpdir(), "mltb-settled-"));
  const free = { host: "127.0.0.1", port: 0, named: true };
  const steps = silentSteps;
  const running = await bringUp({ bayFile, http: free, mqtt: free, grpc: free, stateDir, steps, logLevel: "silent" });
  try {
    const client = await switcher(running);
    const series: SettledTimes[] = [];
    for (const [target, load] of Object.entries(TARGETS)) {
      const times = { on: [] as number[], off: [] as number[] };
      for (let n = 0; n < runs; n += 1) {
        for (const to of ["on", "off"] as const) times[to].push(await client.power(target, to, `${target}-${to}-${n}`));
      }
      for (const to of ["on", "off"] as const) series.push({ quantity: `${to}, ${load}`, times: times[to] });
    }
    await client.end();
    return series;
  } finally {
    await running.stop();
    rmSync(stateDir, { recursive: true });
  }
}
