import { readFileSync } from "node:fs";
import { buildBundle } from "@mltb/firmware";
import {
  allMessages,
  type Body,
  bodyCheck,
  type Descriptor,
  decodeBody,
  deframer,
  encodeBody,
  encodeFrame,
  type Frame,
  Kind,
  nodeSeal,
  Outcome,
  PowerAction,
  Stream,
  TABLE_FINGERPRINT,
} from "@mltb/protocol";
import { expect, test } from "vitest";
import { createSimulatedRack, type NodeHal } from "../src/index.ts";
import { openBench } from "./bench.ts";
import { luaBoard, rackRung } from "./rungs.ts";
import { power, rail } from "./scenarios/scenario.ts";

const folder = new URL("./fixtures/first-light/", import.meta.url);
const table = JSON.parse(readFileSync(new URL("messages.json", folder), "utf8")) as {
  fingerprint: number;
  messages: Omit<Descriptor, "fixed" | "kindNumber">[];
};
const oldMessages: Descriptor[] = table.messages.map((message) => ({
  ...message,
  fixed: message.kinds.filter((kind) => kind !== "rest").length,
  kindNumber: (Kind as Record<string, number>)[message.kind] as number,
}));

test("since the first bundle at least three messages and one capability were added, and nothing was taken away", async () => {
  const now = allMessages();
  expect(now.length).toBeGreaterThanOrEqual(oldMessages.length + 3);
  for (const before of oldMessages) {
    const after = now.find((message) => message.id === before.id);
    expect(after, before.name).toMatchObject({ name: before.name, kind: before.kind, sender: before.sender });
    // Fields are only appended, and `rest` stays last.
    expect(after?.kinds.slice(0, before.kinds.length), before.name).toEqual(before.kinds);
    expect(after?.names.slice(0, before.names.length), before.name).toEqual(before.names);
  }
  expect(TABLE_FINGERPRINT).not.toBe(table.fingerprint);
  const bench = await openBench(await luaBoard());
  expect(bench.welcome()?.capabilities).toContain("protection:1");
  await bench.stop();
});

test("jumpstarter#230 an old exporter is offline for a new controller: a new host and the first bundle: power, samples and monitors work, new requests are refused by name", async () => {
  const bundle = readFileSync(new URL("monitoring.lua", folder), "latin1");
  expect(bundle).not.toBe((await buildBundle("monitoring")).source);
  const rack = await createSimulatedRack({
    rack: "old",
    serial: "OLD1",
    bundle,
    seed: 1,
    clock: "virtual",
    targets: [{ name: "t1", channel: 1, load: { idle_w: 1.2, cpu_w: 0 } }],
    // What the runtime of that time offered under another name.
    hal: (hal) =>
      ({
        ...hal,
        shift_out: (_data: number, _clock: number, _latch: number, bytes: string) => hal.chain_write(bytes),
      }) as NodeHal,
  });
  const bench = await openBench(await rackRung(rack));
  expect(bench.welcome()?.capabilities).not.toContain("protection");
  expect(await power(bench, PowerAction.on)).toMatchObject({ kind: "answer", body: { outcome: Outcome.done } });
  expect(rail(bench).voltage_v).toBeGreaterThan(4.5);
  for (const stream of [Stream.samples, Stream.monitors]) {
    // The board takes no notice of the field that came later.
    const opened = await bench.request("stream_open", { stream, ttl_ms: 5000, period_us: 50 });
    expect(opened).toMatchObject({ kind: "answer", body: { stream } });
  }
  await bench.run(300);
  const names = new Set(bench.messages.map((message) => message.name));
  expect([...names]).toEqual(expect.arrayContaining(["sample_block", "monitor_block", "channel_state"]));
  expect(await bench.request("limits_get", { channel: 1 })).toMatchObject({ kind: "refused", code: 1 });
  expect(await bench.request("energy_get", {})).toMatchObject({ kind: "refused" });
  // Its table differs and it has no `describe`: the host goes on with its own words.
  expect(bench.session.port.counters.undescribed).toBe(1);
  expect(await power(bench, PowerAction.off)).toMatchObject({ kind: "answer", body: { outcome: Outcome.done } });
  await bench.stop();
});

/** A host that knows only the first table: it says hello, asks, acknowledges, and reads what it can. */
function oldHost(write: (bytes: string) => void) {
  const named = (name: string): Descriptor => oldMessages.find((message) => message.name === name) as Descriptor;
  const heard: { name: string; body: Body }[] = [];
  const unknown: number[] = [];
  let expected = 0;
  let seq = 0;
  let tag = 0;
  const send = (kind: number, message: Descriptor, body: Body, own = 0): void =>
    write(
      encodeFrame(
        { kind, seq: own, ack: expected, credit: 4, id: message.id, tag, body: encodeBody(message, body) },
        nodeSeal,
      ),
    );
  const frames = deframer(4096, nodeSeal, (frame: Frame) => {
    const reliable = frame.kind === Kind.response || frame.kind === Kind.event;
    if (reliable) {
      if (frame.seq !== expected) return;
      expected = (expected + 1) & 255;
      send(Kind.ack, named("ack"), {});
    }
    const message = oldMessages.find((one) => one.id === frame.id);
    if (message === undefined) {
      unknown.push(frame.id);
      return;
    }
    const body = decodeBody(message, frame.body);
    if (body !== undefined) heard.push({ name: message.name, body });
  });
  return {
    heard,
    unknown,
    rx: frames.rx,
    hello() {
      send(Kind.control, named("hello"), { major: 1, minor: 0, nonce: 9, fingerprint: table.fingerprint, name: "old" });
    },
    request(name: string, body: Body) {
      tag += 1;
      send(Kind.request, named(name), body, seq);
      seq = (seq + 1) & 255;
    },
    ping: () => send(Kind.control, named("ping"), { token: 1 }),
  };
}

test("the first table's host and the new bundle: power, samples and monitors work, new messages are passed over", async () => {
  const rung = await luaBoard();
  const host = oldHost((bytes) => rung.write(Buffer.from(bytes, "latin1")));
  const run = async (ms: number): Promise<void> => {
    for (let i = 0; i < ms; i += 1) {
      if (i % 200 === 0) host.ping();
      rung.advance(1);
      await new Promise((resolve) => setImmediate(resolve));
      host.rx(rung.take());
    }
  };
  await run(50);
  host.hello();
  await run(400);
  expect(host.heard.find((message) => message.name === "welcome")?.body).toMatchObject({
    nonce: 9,
    kind: "monitoring",
  });
  const action = PowerAction.on;
  host.request("power_set", { channel: 1, action, off_ms: 0, check: bodyCheck(1, action, 0) });
  await run(500);
  expect(host.heard.find((message) => message.name === "power_answer")?.body).toMatchObject({ outcome: Outcome.done });
  host.request("stream_open", { stream: Stream.samples, ttl_ms: 3000 });
  host.request("stream_open", { stream: Stream.monitors, ttl_ms: 3000 });
  await run(400);
  const blocks = host.heard.filter((message) => message.name === "sample_block").map((message) => message.body);
  expect(blocks.length).toBeGreaterThan(10);
  expect(blocks.every((block) => block["period_us"] === 1000 && block["rows"] === 20)).toBe(true);
  expect(host.heard.some((message) => message.name === "monitor_block")).toBe(true);
  // Something that the old host has no word for: a trip.
  const first = rung.electronics.rails[0] as (typeof rung.electronics.rails)[0];
  first.extra_a = 3.5;
  await run(200);
  expect(host.unknown).toContain(0x3b);
  const states = host.heard.filter((message) => message.name === "channel_state" && message.body["channel"] === 1);
  expect(states.at(-1)?.body).toMatchObject({ switch_on: 0, state: 4 });
  await rung.stop();
});
