import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { ampsPerCode, INA226, monitoringBoard } from "@mltb/hardware";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readRecordingFile } from "../src/energy/recording-file.ts";
import { addToken } from "../src/index.ts";
import { startTestBay, type TestBay, until } from "./bay.ts";
import { type BoardClient, boardClient } from "./grpc-client.ts";

const url = (target: string): string => `/api/v1/targets/${target}/calibration`;
const hardware = monitoringBoard.channels[2] as (typeof monitoringBoard.channels)[0];
const nominal_a = ampsPerCode(monitoringBoard, hardware);

let bay: TestBay;
let client: BoardClient;

beforeAll(async () => {
  bay = await startTestBay();
  client = boardClient(bay.supervisor.grpc, bay.supervisor.tokenFile);
});
afterAll(async () => {
  client.close();
  await bay.stop();
});

const measured = async (): Promise<{ voltage_v: number; current_a: number }> =>
  (await bay.api("GET", "/api/v1/targets/spare-3")).json;
/** Means over a while: the fast current has noise. */
async function means(): Promise<{ voltage_v: number; current_a: number; true_a: number }> {
  const seen = [];
  for (let n = 0; n < 20; n += 1) {
    seen.push({ ...(await measured()), true_a: bay.rail(3).current_a });
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
  const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    voltage_v: mean(seen.map((s) => s.voltage_v)),
    current_a: mean(seen.map((s) => s.current_a)),
    true_a: mean(seen.map((s) => s.true_a)),
  };
}
const retained = () => {
  const found = bay.messages.filter((message) => message.topic === "target/spare-3/state/calibration").at(-1);
  return found === undefined ? undefined : JSON.parse(found.payload);
};

test("a board without one says so; what is stored changes what is read by as much, and the board reads it back", async () => {
  const before = await bay.api("GET", url("spare-3"));
  expect(before.json).toMatchObject({ source: "design", damaged: false, record: null, current_a_per_code: nominal_a });
  await until(() => retained()?.source === "design");
  expect((await bay.api("PUT", "/api/v1/targets/spare-3/power", { state: "on" })).status).toBe(200);
  await new Promise((resolve) => setTimeout(resolve, 400));
  const plain = await means();
  const record = { voltage_ppm: 20_000, voltage_offset_v: 0.05, monitor_ppm: 20_000, fast_ppm: 20_000 };
  const set = await bay.api("PUT", url("spare-3"), { ...record, fast_offset_a: 0.01, monitor_offset_a: 0.01 });
  expect([set.status, set.json.source]).toEqual([200, "board"]);
  expect(set.json.record).toEqual({
    ...{ ...record, fast_offset_a: 0.01, monitor_offset_a: 0.01, drift_ppm_per_k: 0, at_c: 25 },
  });
  expect(set.json.current_a_per_code / nominal_a).toBeCloseTo(1.02, 9);
  expect(set.json.voltage_v_per_code / INA226.bus_lsb_v).toBeCloseTo(1.02, 9);
  await until(() => retained()?.source === "board");
  const corrected = await means();
  expect(Math.abs(corrected.voltage_v - (plain.voltage_v * 1.02 + 0.05))).toBeLessThan(0.04);
  // The load ripples: 2 % and 10 mA make 14 mA of its 200 mA.
  expect(Math.abs(plain.current_a - plain.true_a)).toBeLessThan(0.004);
  expect(Math.abs(corrected.current_a - (corrected.true_a * 1.02 + 0.01))).toBeLessThan(0.004);
  // The state that the board itself corrects agrees with the streams that are corrected here.
  const state = (await bay.api("PUT", "/api/v1/targets/spare-3/power", { state: "on" })).json;
  expect(Math.abs(state.voltage_v - corrected.voltage_v)).toBeLessThan(0.04);
  expect(Math.abs(state.current_a - corrected.current_a)).toBeLessThan(0.012);
});

test("gains follow the board's temperature by the stored drift", async () => {
  const now = await until(async () => {
    const { json } = await bay.api("GET", url("spare-4"));
    return json.temperature_c !== null && json;
  });
  const at_c = Math.round(now.temperature_c * 100) / 100 - 10;
  const { json } = await bay.api("PUT", url("spare-4"), { drift_ppm_per_k: 100, at_c });
  expect(json.current_a_per_code / now.current_a_per_code).toBeCloseTo(1 + 1e-6 * 100 * (json.temperature_c - at_c), 7);
  expect(json.monitor_a_per_code / now.monitor_a_per_code).toBeGreaterThan(1.0008);
  expect(json.voltage_v_per_code).toBe(now.voltage_v_per_code);
});

test("a recording keeps its factors in the file: what is read from it is what was recorded", async () => {
  const started = await bay.api("POST", "/api/v1/targets/spare-3/recordings", { rails: ["spare-6"] });
  expect(started.status).toBe(201);
  expect((await bay.api("PUT", url("spare-3"), { fast_ppm: 1 })).json.code).toBe("busy");
  await new Promise((resolve) => setTimeout(resolve, 300));
  const { json } = await bay.api("POST", `/api/v1/recordings/${started.json.id}/stop`);
  expect(json.calibration).toBe("board");
  const read = readRecordingFile(json.artifacts[0].file);
  if ("faults" in read) throw new Error(read.faults[0]?.message);
  // Each rail says what its own scales follow.
  const { record } = (await bay.api("GET", url("spare-3"))).json;
  expect(record).toMatchObject({ fast_ppm: 20_000, fast_offset_a: 0.01 });
  expect([json.calibration_record, read.facts.calibration_record]).toEqual([record, record]);
  expect(read.facts.calibration).toBe("board");
  expect(json.rails[0]).toMatchObject({ target: "spare-6", calibration: "design", calibration_record: null });
  const other = readRecordingFile(json.artifacts[1].file);
  expect("facts" in other && other.facts).toMatchObject({ calibration: "design", calibration_record: null });
  const { current_a, voltage_v } = read.recording.result().trace;
  expect(current_a).toEqual(json.trace.current_a);
  expect(voltage_v).toEqual(json.trace.voltage_v);
  expect(Math.min(...(current_a as number[]))).toBeGreaterThan(0.1);
});

test("the supervisor that comes anew reads it from the board", async () => {
  await bay.restart();
  client.close();
  client = boardClient(bay.supervisor.grpc, bay.supervisor.tokenFile);
  await until(async () => (await bay.api("GET", url("spare-3"))).json.source === "board");
  const got = await client.call("GetCalibration", { target: "spare-3" });
  expect(got).toMatchObject({ answer: { source: "board", record: { voltage_ppm: 20_000, voltage_offset_v: 0.05 } } });
});

test("gRPC stores one; what is left out is nominal", async () => {
  const set = await client.call("SetCalibration", { target: "spare-3", voltage_ppm: -500, idempotency_key: "cal" });
  expect(set).toMatchObject({ answer: { source: "board", record: { voltage_ppm: -500, voltage_offset_v: 0 } } });
  const audit = await bay.api("GET", "/api/v1/log?target=spare-3");
  expect(audit.json.lines.some((line: { action: string }) => line.action === "calibration")).toBe(true);
});

test.each([
  ["nothing", {}],
  ["a gain beyond its field", { fast_ppm: 40_000 }],
  ["an unknown word", { gain: 1 }],
])("%s is refused, and nothing changes", async (_what, body) => {
  const before = (await bay.api("GET", url("spare-3"))).json.record;
  expect((await bay.api("PUT", url("spare-3"), body)).status).toBe(422);
  expect((await bay.api("GET", url("spare-3"))).json.record).toEqual(before);
});

test("it takes an admin, on every face, and the lease of whoever holds the target", async () => {
  const operator = addToken(bay.state, "olga", "operator");
  await new Promise((resolve) => setTimeout(resolve, 300));
  const asOlga = { authorization: `Bearer ${operator}` };
  expect((await bay.api("PUT", url("spare-5"), { fast_ppm: 1 }, asOlga)).status).toBe(403);
  expect(await client.call("SetCalibration", { target: "spare-5", fast_ppm: 1 }, operator)).toMatchObject({
    status: grpc.status.PERMISSION_DENIED,
  });
  const topic = "mltb/v1/demo/cmd/operator/target/spare-5/calibration";
  await bay.client.publishAsync(topic, JSON.stringify({ id: "cal-1", args: { fast_ppm: 1 } }), { qos: 1 });
  const answer = await until(() => bay.messages.find((m) => m.topic === "ans/operator/target/spare-5/calibration"));
  expect(JSON.parse(answer.payload)).toMatchObject({ id: "cal-1", status: "refused", code: "forbidden" });
  const lease = await bay.api("POST", "/api/v1/leases", { targets: ["spare-5"], ttl_s: 60 }, asOlga);
  expect(lease.status).toBe(201);
  expect((await bay.api("PUT", url("spare-5"), { fast_ppm: 1 })).json.code).toBe("leased");
  // Olga's lease is nobody else's, and she may not calibrate: an admin overrides it.
  const under = { "mltb-lease": lease.json.id };
  expect((await bay.api("PUT", url("spare-5"), { fast_ppm: 1 }, under)).json.code).toBe("leased");
  const override = { ...under, "mltb-override": "calibration" };
  expect((await bay.api("PUT", url("spare-5"), { fast_ppm: 1 }, override)).status).toBe(200);
  await bay.api("DELETE", `/api/v1/leases/${lease.json.id}`);
  expect(readFileSync(join(bay.state, "token"), "utf8").trim()).not.toBe(operator);
});
