import type { MeasureCall, Measured } from "./agent-client.ts";
import type { RecordingDocument } from "./bay-api.ts";

/** For tests: what an agent gives whose windows take their time on a board that is modelled. `device` waits for so many ms of it. */
export async function modelledMeasurement(call: MeasureCall, device: (ms: number) => Promise<void>): Promise<Measured> {
  const windows = [];
  for (let n = 0; n < call.windows; n += 1) {
    await device(call.window_s * 1000);
    const latency_us = Float64Array.from({ length: 100 }, (_, i) => 5000 + i);
    const phases = { pre_us: 10, inference_us: 5050, post_us: 10 };
    windows.push({ inferences: 100, duration_us: call.window_s * 1e6, latency_us, ...phases });
  }
  const runtime = { name: "modelled", version: "1", threads: 1 };
  return {
    windows,
    runtime,
    method: "edges",
    network: "isolated",
    peak_memory_bytes: null,
    environment: null,
    requests_meanwhile: 0,
  };
}

/** For tests: a recording without samples. */
export function modelledRecording(target: string): RecordingDocument {
  const facts = {
    nominal_v: 5,
    board_revision: "1",
    firmware: null,
    calibration: "design",
    calibration_record: null,
    rate_hz: 1000,
    markers: [],
    windows: [],
  };
  const trace = { first_tick_us: 0, period_us: 1000, current_a: [], voltage_v: [] };
  return {
    id: target,
    target,
    simulated: [],
    samples: { received: 0, lost: 0 },
    trace,
    ...facts,
  } as RecordingDocument;
}
