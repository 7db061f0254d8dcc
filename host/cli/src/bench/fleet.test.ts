import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { startFleet } from "./fleet.ts";

/** Sweeps of a board's monitors, ten a second. */
const SWEEPS = 30;

test("measurements are on MQTT as often as the boards tell them, and samples reach who asks for them", async () => {
  const fleet = await startFleet(2, { measure_ms: 100, samples: true });
  const client = await fleet.connect();
  try {
    let told = 0;
    client.on("message", (_topic, _payload, { retain }) => {
      if (!retain) told += 1;
    });
    await client.subscribeAsync("mltb/v1/fleet/target/t-0/state/measure", { qos: 0 });
    const [board] = fleet.boards;
    if (board === undefined) throw new Error("there is no board");
    const before = board.telemetry;
    told = 0;
    while (board.telemetry < before + SWEEPS) await sleep(10);
    expect(told).toBeGreaterThan(0.8 * SWEEPS);
    expect(told).toBeLessThan(1.2 * SWEEPS);

    const headers = { authorization: `Bearer ${fleet.token}` };
    const answer = await fetch(`${fleet.supervisor.http}/api/v1/targets/t-1-8/samples`, { headers });
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    let text = "";
    while (!text.includes('"kind":"samples"')) text += Buffer.from((await reader.read()).value ?? []).toString();
    await reader.cancel();
  } finally {
    await client.endAsync();
    await fleet.stop();
  }
});
