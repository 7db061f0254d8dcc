import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { random } from "@mltb/simulators";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Broker, startBroker } from "../src/mqtt/broker.ts";
import { startTestBay, type TestBay, until } from "./bay.ts";
import { scale } from "./virtual-commands.ts";

/** In real time, about 0.44 s each: as many as end within ten minutes. */
const RESTARTS = scale(10, 100, 1200);
const SEED = 12;
const PATIENCE_MS = 60_000;
const root = "mltb/v1/demo";
const users = [{ name: "supervisor", password: "s", publish: ["#"] }];
const busy = ["spare-3", "spare-4", "spare-5", "spare-6"];
/** Only the HTTP API commands this one. */
const api = "spare-7";
/** Nobody may command this one: what is sent to it is retained, or over. */
const forbidden = "spare-8";
/** A command that was still good when it was judged is written down within this time. */
const SLACK_MS = 100;

let port = 0;
let broker: Broker;
let bay: TestBay;

async function brokerUp(): Promise<void> {
  broker = await startBroker({ host: "127.0.0.1", port, named: true, users });
  port = broker.port;
}

beforeAll(async () => {
  await brokerUp();
  const external = { broker: `mqtt://127.0.0.1:${port}`, user: "supervisor", password: "s" };
  bay = await startTestBay({ options: { mqtt: external }, login: { user: "supervisor", password: "s" } });
});
afterAll(async () => {
  await bay.stop();
  await broker.close();
});

interface Sent {
  topic: string;
  payload: string;
  accepted: Set<number>;
  final: string | undefined;
}

test(`broker-restart: ${RESTARTS} restarts under load, nothing accepted is lost, nothing stale runs`, {
  timeout: 0,
}, async () => {
  const source = random(SEED);
  const pick = <T>(of: readonly T[]): T => of[Math.floor(source.uniform() * of.length)] as T;
  const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  const open = new Map<string, Sent>();
  const wrong: string[] = [];
  bay.client.on("message", (topic, payload) => {
    if (!topic.startsWith(`${root}/ans/`)) return;
    const answer = JSON.parse(payload.toString()) as { id: string; status: string; accepted_seq?: number };
    const sent = open.get(answer.id);
    if (sent === undefined) return;
    if (answer.status === "accepted") sent.accepted.add(answer.accepted_seq as number);
    else sent.final ??= answer.status;
    if (sent.accepted.size > 1) wrong.push(`${answer.id} was accepted more than once`);
  });
  let moved = 0;
  const { step } = bay.rail(8);
  bay.rail(8).step = (...args) => {
    if (bay.rail(8).switchOn) moved += 1;
    return step.apply(bay.rail(8), args);
  };
  let issued = 0;
  /** Times of expiry of the commands that have one. */
  const expiries = new Map<string, number>();
  const send = (target: string, state: string, more: { expires_ms?: number; retain?: boolean } = {}): void => {
    const id = `c${issued++}`;
    const over = more.expires_ms === undefined ? undefined : Date.now() + more.expires_ms;
    if (over !== undefined) expiries.set(id, over);
    const expires = over === undefined ? {} : { expires_at: new Date(over).toISOString() };
    const topic = `${root}/cmd/ada/target/${target}/power`;
    const payload = JSON.stringify({ id, ...expires, args: { state } });
    if (more.retain !== true) open.set(id, { topic, payload, accepted: new Set(), final: undefined });
    bay.client.publish(topic, payload, { qos: 1, retain: more.retain === true });
  };
  const load = async (count: number): Promise<void> => {
    for (let n = 0; n < count; n += 1) {
      send(pick(busy), pick(["on", "off"]), source.uniform() < 0.3 ? { expires_ms: 30 } : {});
      await wait(source.uniform() * 15);
    }
  };
  const database = new DatabaseSync(join(bay.state, "state.db"), { readOnly: true });
  const row = database.prepare("select at, status, accepted_seq from commands where key = ?");
  const journalled = (id: string) =>
    row.get(JSON.stringify(["mqtt", "ada", id])) as
      | { at: string; status: string; accepted_seq: number | null }
      | undefined;
  let lateRefused = 0;
  let accepted = 0;

  for (let restart = 0; restart < RESTARTS && wrong.length === 0; restart += 1) {
    await load(1 + Math.floor(source.uniform() * 5));
    send(forbidden, "on", { retain: true });
    send(forbidden, "on", { expires_ms: -1 });
    await broker.close();
    await load(1 + Math.floor(source.uniform() * 3));
    const state = pick(["on", "off"]);
    const answer = await bay.api("PUT", `/api/v1/targets/${api}/power`, { state });
    expect([answer.status, answer.json.power]).toEqual([200, state]);
    await wait(source.uniform() * 150);
    await brokerUp();
    // A client that missed an answer asks again with the same id: it gets the answer, or the command is judged now.
    await until(async () => {
      const missing = [...open.values()].filter((sent) => sent.final === undefined);
      if (missing.length === 0) return true;
      if (bay.client.connected)
        for (const { topic, payload } of missing) bay.client.publish(topic, payload, { qos: 1 });
      await wait(100);
      return undefined;
    }, PATIENCE_MS);
    for (const [id, { accepted: seqs, final }] of open) {
      const entry = journalled(id);
      const over = expiries.get(id);
      if (entry?.accepted_seq == null) {
        if (seqs.size > 0) wrong.push(`${id} was accepted and does not stand in the journal`);
        if (final !== "refused") wrong.push(`${id} is ${final} and was not accepted`);
        if (over !== undefined) lateRefused += 1;
        continue;
      }
      accepted += 1;
      if (entry.status !== final) wrong.push(`${id} is ${final} here and ${entry.status} in the journal`);
      if (over !== undefined && Date.parse(entry.at) > over + SLACK_MS) wrong.push(`${id} ran after its time`);
    }
    open.clear();
    bay.messages.length = 0;
  }
  expect(wrong).toEqual([]);
  expect(moved).toBe(0);
  expect(accepted).toBeGreaterThan(RESTARTS);
  expect(lateRefused).toBeGreaterThan(RESTARTS / 2);
  const newest = database.prepare(
    "select args, status from commands where name = ? and accepted_seq is not null order by accepted_seq desc limit 1",
  );
  for (const [n, target] of busy.entries()) {
    const { args } = newest.get(target) as { args: string };
    expect(bay.rail(n + 3).switchOn).toBe((JSON.parse(args) as { state: string }).state === "on");
  }
  const of = (column: string, target: string) =>
    database.prepare(`select count(*) as n from commands where ${column} = ? and accepted_seq is not null`).get(target);
  expect(of("name", forbidden)).toEqual({ n: 0 });
  expect(of("status", "accepted")).toEqual({ n: 0 });
  database.close();
});
