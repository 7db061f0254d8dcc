import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type Bay, readBayFile } from "@mltb/contract";
import { buildBundle } from "@mltb/firmware";
import { createSimulatedRack, type SimulatedRack } from "@mltb/simulators";
import mqtt, { type MqttClient } from "mqtt";
import { pino } from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readRecordingFile } from "../src/energy/index.ts";
import { type Supervisor, startSupervisor } from "../src/index.ts";

const read = readBayFile(new URL("../../../examples/demo-bay.yml", import.meta.url).pathname);
if ("faults" in read) throw new Error("the demo bay has faults");
const bay: Bay = read.bay;
const log = pino({ level: "silent" });

let state: string;
let rack: SimulatedRack;
let supervisor: Supervisor;
let client: MqttClient;
const messages: { topic: string; payload: string; retain: boolean }[] = [];

function options(overrides: object = {}): Parameters<typeof startSupervisor>[0] {
  return {
    bay,
    openBoard: () => rack.transport,
    console: (target) => rack.console(target),
    http: { host: "127.0.0.1", port: 0, named: true },
    mqtt: { host: "127.0.0.1", port: 0, named: true },
    stateDir: state,
    log,
    ...overrides,
  };
}

beforeAll(async () => {
  state = mkdtempSync(join(tmpdir(), "mltb-test-"));
  const bundle = await buildBundle("monitoring");
  rack = await createSimulatedRack({
    rack: "rack1",
    serial: "T",
    bundle: bundle.source,
    seed: 1,
    clock: "real",
    targets:
      bay.racks[0]?.targets.map((t) => ({ name: t.target, channel: t.channel, load: { idle_w: 1, cpu_w: 0 } })) ?? [],
  });
  rack.start();
  supervisor = await startSupervisor(options());
  await supervisor.ready();
  client = mqtt.connect(supervisor.mqtt, {
    protocolVersion: 4,
    username: supervisor.mqttUser,
    password: readFileSync(supervisor.mqttPasswordFile, "utf8").trim(),
  });
  client.on("message", (topic, payload, packet) => {
    messages.push({ topic: topic.slice("mltb/v1/demo/".length), payload: payload.toString(), retain: packet.retain });
  });
  await client.subscribeAsync("mltb/v1/demo/#", { qos: 1 });
});

afterAll(async () => {
  await client.endAsync();
  await supervisor.stop();
  await rack.stop();
  rmSync(state, { recursive: true });
});

async function api(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(`${supervisor.http}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${readFileSync(supervisor.tokenFile, "utf8").trim()}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const type = response.headers.get("content-type") ?? "";
  return { status: response.status, type, text, json: type.includes("json") ? JSON.parse(text) : undefined };
}

async function until<T>(find: () => T | undefined, ms = 5000): Promise<T> {
  const started = Date.now();
  for (;;) {
    const found = find();
    if (found !== undefined) return found;
    if (Date.now() - started > ms) throw new Error("it did not happen in time");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function answers(id: string): { status: string; code?: string }[] {
  return messages
    .filter((m) => m.topic.startsWith("ans/operator/"))
    .map((m) => JSON.parse(m.payload) as { id: string; status: string; code?: string })
    .filter((answer) => answer.id === id);
}

const command = (target: string, feature: string, payload: unknown, retain = false): Promise<unknown> =>
  client.publishAsync(
    `mltb/v1/demo/cmd/operator/target/${target}/${feature}`,
    typeof payload === "string" ? payload : JSON.stringify(payload),
    { qos: 1, retain },
  );
const railOf = (channel: number) => rack.electronics.rails[channel - 1] as SimulatedRack["electronics"]["rails"][0];

test("labgrid: its Tasmota driver answers before anything is confirmed: on answers after the proof, with V and I that are the rail's; off likewise", async () => {
  const on = await api("PUT", "/api/v1/targets/spare-3/power", { state: "on" });
  expect(on.status).toBe(200);
  expect(on.json).toMatchObject({ name: "spare-3", rack: "rack1", channel: 3, power: "on", fault: null, lease: null });
  expect(Math.abs(on.json.voltage_v - railOf(3).voltage_v)).toBeLessThan(0.1);
  const off = await api("PUT", "/api/v1/targets/spare-3/power", { state: "off" });
  expect(off.json).toMatchObject({ power: "off" });
  expect(railOf(3).switchOn).toBe(false);
});

test("an unknown target is 404 with the nearest name; a wrong body is 422; both are problem documents", async () => {
  const missing = await api("PUT", "/api/v1/targets/spar-3/power", { state: "on" });
  expect(missing.status).toBe(404);
  expect(missing.type).toContain("application/problem+json");
  expect(missing.json).toMatchObject({ code: "unknown-target", suggestion: "did you mean spare-3?" });
  const wrong = await api("PUT", "/api/v1/targets/spare-3/power", { state: "perhaps" });
  expect(wrong.status).toBe(422);
  expect(wrong.json.code).toBe("malformed");
});

test("labgrid, pdudaemon: whoever reaches the port commands: every route needs the token, which only its owner can read", async () => {
  for (const path of ["/api/v1/targets", "/metrics", "/openapi.json"]) {
    expect((await fetch(`${supervisor.http}${path}`)).status).toBe(401);
  }
  expect(statSync(supervisor.tokenFile).mode & 0o777).toBe(0o600);
  expect(readFileSync(supervisor.tokenFile, "utf8")).toMatch(/^[A-Za-z0-9_-]+\n$/);
});

test("the OpenAPI document is 3.1 and names the power route", async () => {
  const { json } = await api("GET", "/openapi.json");
  expect(json.openapi).toBe("3.1.0");
  expect(Object.keys(json.paths)).toContain("/api/v1/targets/{target}/power");
});

test("MQTT: accepted, then done; the state is retained and has a sequence number", async () => {
  await command("spare-4", "power", { id: "on-4", args: { state: "on" } });
  await until(() => answers("on-4").find((answer) => answer.status === "done"));
  expect(answers("on-4").map((answer) => answer.status)).toEqual(["accepted", "done"]);
  const late = mqtt.connect(supervisor.mqtt, {
    protocolVersion: 4,
    username: "operator",
    password: readFileSync(supervisor.mqttPasswordFile, "utf8").trim(),
  });
  const retained = new Promise<Record<string, unknown>>((resolve) => {
    late.on("message", (_topic, payload, packet) => packet.retain && resolve(JSON.parse(payload.toString())));
  });
  await late.subscribeAsync("mltb/v1/demo/target/spare-4/state/power");
  expect(await retained).toMatchObject({ state: "on", seq: expect.any(Number), cause: "command", source: "mqtt" });
  await late.endAsync();
});

test("duplicate-id-runs-once: the second gets the answers of the first", async () => {
  const before = messages.filter(
    (m) => m.topic === "target/spare-5/state/power" && m.payload.includes('"changing"'),
  ).length;
  await command("spare-5", "power", { id: "once", args: { state: "on" } });
  await until(() => answers("once").find((answer) => answer.status === "done"));
  await command("spare-5", "power", { id: "once", args: { state: "on" } });
  await until(() => (answers("once").length >= 4 ? true : undefined));
  const after = messages.filter(
    (m) => m.topic === "target/spare-5/state/power" && m.payload.includes('"changing"'),
  ).length;
  expect(after - before).toBe(1);
});

test.each([
  ["malformed-command-refused", "spare-6", "{not json", "", "malformed"],
  ["unknown-state-refused", "spare-6", { id: "x1", args: { state: "sideways" } }, "x1", "malformed"],
  ["extra-key-refused", "spare-6", { id: "x2", args: { state: "on" }, sudo: true }, "x2", "malformed"],
  [
    "expired-command-refused",
    "spare-6",
    { id: "x3", expires_at: "2020-01-01T00:00:00Z", args: { state: "on" } },
    "x3",
    "expired",
  ],
  ["unknown-target-refused", "spare-66", { id: "x4", args: { state: "on" } }, "x4", "unknown-target"],
])("%s", async (_name, target, payload, id, code) => {
  await command(target, "power", payload);
  const answer = await until(() => answers(id).find((entry) => entry.code === code));
  expect(answer.status).toBe("refused");
  expect(railOf(6).switchOn).toBe(false);
});

test("retained-command-refused: it never runs, and is not stored", async () => {
  await command("spare-6", "power", { id: "kept", args: { state: "on" } }, true);
  const answer = await until(() => answers("kept").find((entry) => entry.code === "retained"));
  expect(answer.status).toBe("refused");
  expect(railOf(6).switchOn).toBe(false);
});

test("wrong-user-topic-denied: the operator cannot command in another name, nor publish state", async () => {
  for (const topic of ["cmd/agent/target/spare-6/power", "target/spare-6/state/power"]) {
    const rogue = mqtt.connect(supervisor.mqtt, {
      protocolVersion: 4,
      reconnectPeriod: 0,
      username: "operator",
      password: readFileSync(supervisor.mqttPasswordFile, "utf8").trim(),
    });
    await new Promise((resolve) => rogue.once("connect", resolve));
    const closed = new Promise<void>((resolve) => rogue.once("close", () => resolve()));
    rogue.publish(`mltb/v1/demo/${topic}`, JSON.stringify({ id: "rogue", args: { state: "on" } }), { qos: 1 });
    await closed;
    rogue.end(true);
  }
  expect(railOf(6).switchOn).toBe(false);
  expect(messages.some((m) => m.topic.startsWith("cmd/agent/") || m.payload.includes("rogue"))).toBe(false);
});

test("an idempotency key runs a command once", async () => {
  const key = { "idempotency-key": "k1" };
  const first = await api("PUT", "/api/v1/targets/spare-7/power", { state: "cycle", off_ms: 10 }, key);
  const second = await api("PUT", "/api/v1/targets/spare-7/power", { state: "cycle", off_ms: 10 }, key);
  expect(first.status).toBe(200);
  expect(second.json).toEqual(first.json);
});

test("an idempotency key counts whole, however long, and with or without waiting for the end", async () => {
  const path = "/api/v1/targets/spare-3/power";
  const put = (key: string, query: string, state: string) =>
    api("PUT", `${path}${query}`, { state }, { "idempotency-key": key });
  const accepted = () => {
    const database = new DatabaseSync(join(state, "state.db"), { readOnly: true });
    const { n } = database
      .prepare("select count(*) as n from commands where name = 'spare-3' and accepted_seq is not null")
      .get() as { n: number };
    database.close();
    return n;
  };
  const before = accepted();
  expect((await put("later", "?wait=false", "on")).status).toBe(202);
  expect((await put("later", "", "on")).status).toBe(200);
  expect(accepted()).toBe(before + 1);
  const long = "k".repeat(600);
  expect((await put(`${long}1`, "", "off")).json.power).toBe("off");
  expect((await put(`${long}2`, "", "on")).json.power).toBe("on");
  expect((await put(`${long}2`, "", "on")).status).toBe(200);
  expect(accepted()).toBe(before + 3);
  expect((await put("off again", "", "off")).status).toBe(200);
});

test("a latched fault refuses `on` with 409 until it is re-armed", async () => {
  await api("PUT", "/api/v1/targets/spare-8/power", { state: "on" });
  railOf(8).extra_a = 4;
  await until(() =>
    messages.some((m) => m.topic === "target/spare-8/state/fault" && m.payload.includes("over-current"))
      ? true
      : undefined,
  );
  railOf(8).extra_a = 0;
  const { json: faulty } = await api("GET", "/api/v1/targets/spare-8");
  expect(faulty.fault.id).toBe("hard-over-current");
  const refused = await api("PUT", "/api/v1/targets/spare-8/power", { state: "on" });
  expect(refused.status).toBe(409);
  expect(refused.json.code).toBe("fault-latched");
  expect((await api("POST", `/api/v1/targets/spare-8/faults/${faulty.fault.id}/rearm`)).status).toBe(200);
  await until(() =>
    messages
      .filter((m) => m.topic === "target/spare-8/state/power")
      .at(-1)
      ?.payload.includes('"off"')
      ? true
      : undefined,
  );
  expect((await api("PUT", "/api/v1/targets/spare-8/power", { state: "on" })).status).toBe(200);
});

test("a recording gives windows by marker edges, with an energy that holds the truth", async () => {
  await api("PUT", "/api/v1/targets/spare-3/power", { state: "on" });
  await new Promise((resolve) => setTimeout(resolve, 150));
  const { json: started } = await api("POST", "/api/v1/targets/spare-3/recordings", { rails: ["spare-4"] });
  await new Promise((resolve) => setTimeout(resolve, 100));
  rack.electronics.marker(3, 1, rack.electronics.now_us());
  const before = railOf(3).energy_j;
  await new Promise((resolve) => setTimeout(resolve, 400));
  rack.electronics.marker(3, 0, rack.electronics.now_us());
  const truth_uj = (railOf(3).energy_j - before) * 1e6;
  await new Promise((resolve) => setTimeout(resolve, 50));
  const { json } = await api("POST", `/api/v1/recordings/${started.id}/stop`, {});
  expect(json.windows).toHaveLength(1);
  expect(json.samples.lost).toBe(0);
  const [window] = json.windows;
  const u = Math.hypot(...window.terms.map((term: { standard_uj: number }) => term.standard_uj));
  expect(Math.abs(window.energy_uj - truth_uj)).toBeLessThan(4 * u);
  expect(window.terms.map((term: { term: string }) => term.term)).toEqual(
    expect.arrayContaining(["resolution", "gain", "offset", "noise", "timing", "edges", "loss"]),
  );
  expect(json.rails).toMatchObject([{ target: "spare-4", channel: 4, windows: [{ start_tick: window.start_tick }] }]);
  expect(json.artifacts).toHaveLength(2);
  const response = await fetch(`${supervisor.http}/api/v1/recordings/${started.id}/spare-3`, {
    headers: { authorization: `Bearer ${readFileSync(supervisor.tokenFile, "utf8").trim()}` },
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  expect(createHash("sha256").update(bytes).digest("hex")).toBe(json.artifacts[0].sha256);
  const read = readRecordingFile(json.artifacts[0].file);
  expect("recording" in read && read.recording.result().windows).toEqual(json.windows);
  expect((await api("POST", `/api/v1/recordings/${started.id}/stop`, {})).status).toBe(404);
  expect((await api("GET", "/api/v1/recordings/..%2Ftoken/x")).status).toBe(404);
});

test("garbage-on-the-link is counted in /metrics, and the board stays usable", async () => {
  for (let i = 0; i < 20; i += 1) rack.transport.write(Buffer.from(`garbage ${i}\0`));
  const value = async (): Promise<number> => {
    const { text } = await api("GET", "/metrics");
    return Number(/mltb_board_link_events_total\{board="rack1-monitor",event="malformed"\} (\d+)/.exec(text)?.[1] ?? 0);
  };
  const started = Date.now();
  while ((await value()) < 20 && Date.now() - started < 5000) await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await value()).toBeGreaterThanOrEqual(20);
  expect((await api("GET", "/api/v1/health")).json.state).toBe("ok");
});

test("trip-queue-overflow on the board shows in /metrics and in the health of its targets", async () => {
  // The queue holds sixteen; all of these fall between two calls of the firmware.
  for (let i = 0; i < 20; i += 1) rack.electronics.monitors[7]?.onAlert?.(rack.electronics.now_us());
  const health = async (): Promise<{ trips: number }> =>
    (await api("GET", "/api/v1/targets/local-cpu")).json.health.dropped;
  const started = Date.now();
  while ((await health()).trips === 0 && Date.now() - started < 5000) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(await health()).toMatchObject({ trips: 4, edges: 0 });
  const { text } = await api("GET", "/metrics");
  expect(text).toContain('mltb_board_link_events_total{board="rack1-monitor",event="trips_lost"} 4\n');
});

test("console lines of a booting target arrive on MQTT", async () => {
  await api("PUT", "/api/v1/targets/local-cpu/power", { state: "on" });
  await until(() => messages.find((m) => m.topic === "target/local-cpu/event/console" && m.payload.includes("login:")));
});

test("the panel shows what was written, and the display itself agrees; the newest command wins over locate", async () => {
  expect((await api("POST", "/api/v1/targets/spare-4/locate", {})).status).toBe(200);
  await until(() => (rack.electronics.lcd.rows()[0]?.includes("LOCATE") ? true : undefined));
  const { json } = await api("PUT", "/api/v1/racks/rack1/panel", { lines: ["hello", "from the host"] });
  expect(json.page).toBe("host");
  await until(() => (rack.electronics.lcd.rows()[1]?.startsWith("from the host") ? true : undefined));
  expect((await api("PUT", "/api/v1/racks/rack1/panel", { lines: ["x".repeat(21)] })).status).toBe(422);
  await api("PUT", "/api/v1/racks/rack1/panel", { lines: [] });
});

test("the panel is locked, shows the note and who has leased a target; free again, a press switches; rack values are in the health", async () => {
  const display = (): string => rack.electronics.lcd.rows().join("\n");
  expect((await api("PUT", "/api/v1/racks/rack1/panel", {})).status).toBe(422);
  expect((await api("PUT", "/api/v1/racks/rack1/panel", { locked: true, note: "run: kws" })).status).toBe(200);
  await until(() => (display().includes("run: kws") ? true : undefined));
  rack.press("select", 800);
  await until(() => (display().includes("panel is locked") ? true : undefined));
  await api("PUT", "/api/v1/racks/rack1/panel", { locked: false, note: "" });
  const lease = await api("POST", "/api/v1/leases", { targets: ["local-cpu"], ttl_s: 60, hold: true });
  await until(() => (/for \S+ \d+[sm]/.test(display()) ? true : undefined));
  await api("DELETE", `/api/v1/leases/${lease.json.id}`);
  await until(() => (display().includes("for ") ? undefined : true));
  const { health } = (await api("GET", "/api/v1/targets/local-cpu")).json;
  expect(health.rack).toMatchObject({
    temperature_c: 24.5,
    supply_v: expect.any(Number),
    supply_a: expect.any(Number),
  });
});

test("port-in-use: a named port gives an error with its mend", async () => {
  const blocker: Server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => blocker.once("listening", resolve));
  const { port } = blocker.address() as { port: number };
  const attempt = startSupervisor(options({ mqtt: { host: "127.0.0.1", port, named: true } }));
  await expect(attempt).rejects.toMatchObject({ code: "port_in_use", message: `port ${port} on 127.0.0.1 is in use` });
  blocker.close();
});

test("broker-unreachable: an external broker that is not there is a clear error", async () => {
  const attempt = startSupervisor(options({ mqtt: { broker: "mqtt://127.0.0.1:9", user: "", password: "" } }));
  await expect(attempt).rejects.toMatchObject({ code: "broker_unreachable" });
});

test("board-stops-answering: lost within two seconds, commands are 503, and it is ready again when it is back", async () => {
  const write = rack.transport.write;
  rack.transport.write = () => undefined;
  await until(() =>
    messages.some((m) => m.topic === "board/rack1-monitor/state/lifecycle" && m.payload === "lost") ? true : undefined,
  );
  const refused = await api("PUT", "/api/v1/targets/spare-3/power", { state: "off" });
  expect(refused.status).toBe(503);
  expect((await api("GET", "/api/v1/targets/spare-3")).json.power).toBe("unknown");
  // What was measured long ago is no measurement of now, and the health is that of now.
  const measured = (await api("GET", "/api/v1/targets/spare-3/measure")).json;
  expect(measured).toMatchObject({ voltage_v: null, current_a: null, power_w: null });
  expect((await api("GET", "/api/v1/targets/spare-3/measure")).json.at).toBe(measured.at);
  expect((await api("GET", "/api/v1/targets/spare-3/health")).json).toMatchObject({ board: "lost", link: "closed" });
  expect((await api("GET", "/metrics")).text).not.toMatch(/mltb_target_voltage_volts\{target="spare-3"\}/);
  rack.transport.write = write;
  await supervisor.ready(5000);
  expect((await api("GET", "/api/v1/targets/spare-3/health")).json).toMatchObject({ board: "ready", link: "open" });
  await until(() => {
    const last = messages.findLast((m) => m.topic === "target/spare-3/state/measure");
    return last !== undefined && JSON.parse(last.payload).voltage_v !== null ? true : undefined;
  });
  expect((await api("GET", "/api/v1/targets/spare-3")).json.power).toBe("on");
});

test("boards are listed; the waveform of a trip is read in amperes, from before the trip to after it", async () => {
  expect((await api("GET", "/api/v1/boards")).json).toMatchObject([
    { name: "rack1-monitor", kind: "monitoring", serial: "T", lifecycle: "ready" },
  ]);
  expect((await api("GET", "/api/v1/boards/nowhere/waveform")).status).toBe(404);
  expect((await api("PUT", "/api/v1/targets/spare-6/power", { state: "on" })).status).toBe(200);
  await new Promise((resolve) => setTimeout(resolve, 200));
  const current_a = railOf(6).current_a;
  railOf(6).extra_a = 3.3;
  await until(() => (railOf(6).switchOn ? undefined : true));
  await new Promise((resolve) => setTimeout(resolve, 250));
  const { json } = await api("GET", "/api/v1/boards/rack1-monitor/waveform");
  expect(json).toMatchObject({ target: "spare-6", channel: 6, complete: true });
  expect(json.current_a.length * json.period_us).toBeGreaterThanOrEqual(200_000);
  expect(Math.max(...json.current_a)).toBeGreaterThan(2.9);
  expect(json.current_a[20]).toBeCloseTo(current_a, 1);
  expect(Math.abs(json.current_a.at(-1))).toBeLessThan(0.05);
  // 21 readings of the sweep, the rail's voltage before the trip and none left at the end.
  expect(json.voltage_v.length * json.sweep_period_us).toBeGreaterThanOrEqual(200_000);
  expect(json.voltage_v[0]).toBeCloseTo(5, 0);
  expect(json.voltage_v.at(-1)).toBeLessThan(json.voltage_v[0] / 2);
  const { json: before } = await api("GET", "/api/v1/boards/rack1-monitor/waveform?back=1");
  expect(before).toMatchObject({ target: "spare-8", complete: true });
  expect((await api("GET", "/api/v1/boards/rack1-monitor/waveform?back=2")).status).toBe(422);
  railOf(6).extra_a = 0;
  const { fault } = (await api("GET", "/api/v1/targets/spare-6")).json;
  expect((await api("POST", `/api/v1/targets/spare-6/faults/${fault.id}/rearm`)).status).toBe(200);
});
