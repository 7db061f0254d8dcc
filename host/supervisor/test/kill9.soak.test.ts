import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { random } from "@mltb/simulators";
import mqtt, { type MqttClient } from "mqtt";
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "./bay.ts";
import { type KilledBay, killedBay } from "./killed-supervisor.ts";
import { scale } from "./virtual-commands.ts";

const KILLS = scale(20, 100, 1000);
const SEED = 9;
const PATIENCE_MS = 60_000;
const root = "mltb/v1/kill";
/** Nobody commands these; the others are under load. */
const keepers = ["t1", "t2", "t3", "t4"];
const busy = ["t5", "t6", "t7", "t8"];

let bay: KilledBay;
let client: MqttClient;

beforeAll(async () => {
  bay = await killedBay(SEED);
});

afterAll(async () => {
  client?.end(true);
  await bay.stop();
});

interface Command {
  id: string;
  target: string;
  state: string;
  accepted: Set<number>;
  /** What was sent and what came, after how many kills: it tells a failure's story. */
  story: string[];
  final: string | undefined;
}

interface JournalRow {
  name: string;
  args: string;
  status: string;
  accepted_seq: number;
}

/** Accepted commands as they stand in the journal, newest first. */
function journal(state: string): JournalRow[] {
  const database = new DatabaseSync(join(state, "state.db"), { readOnly: true });
  const rows = database
    .prepare(
      "select name, args, status, accepted_seq from commands where accepted_seq is not null order by accepted_seq desc",
    )
    .all() as unknown as JournalRow[];
  database.close();
  return rows;
}

test(`tacd drops the power when its daemon ends, jumpstarter trusts its last action: ${KILLS} kills of the supervisor under load move no other target, and every accepted command has an answer or unknown`, {
  timeout: 0,
}, async () => {
  const source = random(SEED);
  const { api, rail, moves, state } = bay;
  const known = async (target: string): Promise<string> => (await api("GET", `/api/v1/targets/${target}`)).json.power;
  await until(async () => (await known("t8").catch(() => "unknown")) === "off", PATIENCE_MS);
  for (const [n, target] of keepers.entries()) {
    if (n % 2 === 0) expect((await api("PUT", `/api/v1/targets/${target}/power`, { state: "on" })).status).toBe(200);
  }
  const lease = (await api("POST", "/api/v1/leases", { targets: ["t1"], ttl_s: 86_400, holder: "ada" })).json;
  moves.clear();

  const commands = new Map<string, Command>();
  let kills = 0;
  client = mqtt.connect(bay.address().mqtt, {
    protocolVersion: 4,
    reconnectPeriod: 50,
    username: "operator",
    password: readFileSync(join(state, "mqtt-operator-password"), "utf8").trim(),
  });
  client.on("error", () => undefined);
  client.on("message", (_topic, payload) => {
    const answer = JSON.parse(payload.toString()) as { id: string; status: string; accepted_seq?: number };
    const command = commands.get(answer.id);
    if (command === undefined) return;
    command.story.push(`${kills}: ${answer.status} ${answer.accepted_seq ?? ""}`);
    if (answer.status === "accepted") command.accepted.add(answer.accepted_seq as number);
    else command.final ??= answer.status;
  });
  await client.subscribeAsync(`${root}/ans/operator/#`, { qos: 1 });
  const publish = (command: Command): void => {
    command.story.push(`${kills}: sent`);
    const args = { state: command.state, ...(command.state === "cycle" ? { off_ms: 30 } : {}) };
    client.publish(`${root}/cmd/operator/target/${command.target}/power`, JSON.stringify({ id: command.id, args }), {
      qos: 1,
    });
  };
  let issued = 0;
  const pick = <T>(of: readonly T[]): T => of[Math.floor(source.uniform() * of.length)] as T;
  const load = setInterval(() => {
    const command = {
      id: `c${issued++}`,
      target: pick(busy),
      state: pick(["on", "off", "cycle"]),
      accepted: new Set<number>(),
      story: [],
      final: undefined,
    };
    if (source.uniform() < 0.7) {
      // What is published while the broker is away is this client's to repeat, not ours to judge.
      if (!client.connected) return;
      commands.set(command.id, command);
      publish(command);
    } else {
      const headers = { "idempotency-key": command.id };
      api("PUT", `/api/v1/targets/${command.target}/power`, { state: command.state }, headers).catch(() => undefined);
    }
  }, 15);

  try {
    for (let kill = 0; kill < KILLS; kill += 1) {
      await new Promise((resolve) => setTimeout(resolve, 20 + source.uniform() * 250));
      await bay.kill();
      kills += 1;
      await bay.start();
      // State is read again, never assumed: until then it is unknown.
      for (const target of keepers) {
        const truth = rail(target).switchOn ? "on" : "off";
        await until(async () => {
          const said = await known(target);
          expect(["unknown", truth]).toContain(said);
          return said === truth;
        }, PATIENCE_MS);
      }
      expect((await api("GET", "/api/v1/targets/t1")).json.lease).toMatchObject({ id: lease.id, holder: "ada" });
      await until(() => client.connected, PATIENCE_MS);
      // A client that missed an answer asks again with the same id: it gets the answer, or the command runs for the first time.
      for (const command of commands.values()) if (command.final === undefined) publish(command);
    }
  } finally {
    clearInterval(load);
  }
  expect([...moves.keys()].filter((target) => keepers.includes(target))).toEqual([]);
  expect(moves.size).toBe(busy.length);

  for (const command of commands.values()) if (command.final === undefined) publish(command);
  await until(() => [...commands.values()].every((command) => command.final !== undefined), PATIENCE_MS);
  const twice = [...commands.values()].filter(({ accepted }) => accepted.size > 1);
  expect(twice.map(({ id, story }) => `${id} ${story.join(", ")}`)).toEqual([]);
  // Cycles that came over HTTP end after their time off.
  const running = (): JournalRow[] => journal(state).filter((row) => row.status === "accepted");
  await until(() => running().length === 0, PATIENCE_MS).catch(() => expect(running()).toEqual([]));
  await until(
    async () => (await Promise.all(busy.map(known))).every((power) => power === "on" || power === "off"),
    PATIENCE_MS,
  );

  const rows = journal(state);
  expect(rows.some((row) => row.status === "unknown")).toBe(true);
  for (const target of busy) {
    // The newest that was surely carried out, and what came after it and may have been.
    const asked = new Set<boolean>();
    for (const row of rows.filter((entry) => entry.name === target)) {
      asked.add((JSON.parse(row.args) as { state: string }).state !== "off");
      if (row.status === "done") break;
    }
    expect([...asked], target).toContain(rail(target).switchOn);
    expect(await known(target)).toBe(rail(target).switchOn ? "on" : "off");
  }
});
